import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VALID } from "../../agent/node/transport/testing/test-certificates.ts";
import { CERTIFICATES_DIR, FOUND_DIR, inUseFolder, systemdCertificates, type DeviceCertificates } from "../../platform/linux/device-certificates.ts";
import { openNmcli } from "../../platform/linux/nmcli-network-settings.ts";
import { systemClock } from "../../platform/linux/system-clock.ts";
import { buildApart } from "../build/build-apart.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { BootedRoot, quickFolder, whyNoBoot } from "./testing/booted-root.ts";
import { buildTestDeb } from "./testing/test-debs.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const why = whyNoBoot("network");
if (why !== undefined) reportLeftOut("vitrine-certificate@.service on a booted Debian 13", why);

const OWN = { subject: "CN=cloud.test", notBeforeMs: Date.UTC(2020, 0, 1), notAfterMs: Date.UTC(2200, 0, 1) };
const SHOP = `${CERTIFICATES_DIR}/shop`;
const UNIT = "vitrine-certificate@shop.service";

describe.skipIf(why !== undefined)("vitrine-certificate@.service of the package, under a real systemd and beside NetworkManager", () => {
  let folder: string;
  let device: BootedRoot;
  /** What the agent asks, as its own user, whom only the package's polkit rule allows to start the unit. */
  let certificates: DeviceCertificates;

  beforeAll(async () => {
    folder = quickFolder("vitrine-certificate-");
    await buildApart(ROOT);
    device = await BootedRoot.boot("network");
    await device.installStandIns();
    await device.read(`dpkg --force-unsafe-io --install ${await device.give(await buildTestDeb(folder, "0.1.0"))}`);
    await device.until("systemctl is-active NetworkManager vitrine-agent");
    certificates = systemdCertificates(device.runner("vitrine-agent"), systemClock, device.path(CERTIFICATES_DIR), device.path(FOUND_DIR));
  }, 400_000);

  afterAll(async () => {
    await device?.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** As an installer would, with the modes of any copied file. */
  const put = (file: string, text: string): Promise<string> => device.read(`mkdir -p ${SHOP} && printf '%s' '${text}' > ${SHOP}/${file} && chmod 0644 ${SHOP}/${file}`);
  const asAgent = async (program: string, ...args: readonly string[]): Promise<string> => {
    const said = await device.runner("vitrine-agent")(program, args, 20_000);
    return said.ok ? said.value.trim() : said.error.message;
  };
  const journal = (): Promise<string> => device.read(`journalctl --unit=${UNIT} --no-pager --output=cat`);

  test("it closes the key to all but root, tells the agent holder and dates, and gives NetworkManager a profile that the agent may copy", async () => {
    for (const [file, text] of [["ca.pem", VALID.cert], ["certificate.pem", VALID.cert], ["key.pem", VALID.key]] as const) await put(file, text);
    expect(await certificates.prepare("shop")).toMatchObject({ ok: true, value: { kind: "ready", own: OWN } });
    expect((await device.read(`stat -c '%n %a %U:%G' ${SHOP}/* ${FOUND_DIR} ${FOUND_DIR}/shop.json`)).split("\n")).toEqual([
      `${SHOP}/ca.pem 644 root:root`, `${SHOP}/certificate.pem 644 root:root`, `${SHOP}/key.pem 600 root:root`,
      `${FOUND_DIR} 755 root:root`, `${FOUND_DIR}/shop.json 644 root:root`,
    ]);
    expect(await asAgent("cat", `${SHOP}/key.pem`)).toContain("Permission denied");
    expect(JSON.parse(await asAgent("cat", `${FOUND_DIR}/shop.json`))).toMatchObject({ kind: "ready", own: OWN });
    expect(await asAgent("nmcli", "-g", "NAME", "connection", "show")).toContain("vitrine-certificate-shop-ethernet");
    expect(await asAgent("nmcli", "connection", "clone", "--temporary", "vitrine-certificate-shop-ethernet", "copy")).toContain("cloned as copy");
    expect(await asAgent("nmcli", "-g", "802-1x.private-key", "connection", "show", "copy")).toContain("/key.pem");
  });

  test("it keeps a copy of what it checked, which other files in the folder do not change, and the agent is told their version", async () => {
    const first = await certificates.look("shop");
    if (!first.ok) throw new Error(first.error.message);
    const copy = inUseFolder(CERTIFICATES_DIR, { name: "shop", version: first.value.version });
    expect(await asAgent("nmcli", "-g", "802-1x.private-key", "connection", "show", "copy")).toBe(`${copy}/key.pem`);
    expect((await device.read(`stat -c '%n %a %U:%G' ${copy} ${copy}/*`)).split("\n")).toEqual([`${copy} 755 root:root`, `${copy}/ca.pem 644 root:root`, `${copy}/certificate.pem 644 root:root`, `${copy}/key.pem 600 root:root`]);
    expect([await asAgent("cat", `${copy}/certificate.pem`), await asAgent("cat", `${copy}/key.pem`)]).toEqual([VALID.cert.trim(), expect.stringContaining("Permission denied")]);
    await put("key.pem", `${VALID.key}\n`);
    const second = await certificates.look("shop");
    expect(second.ok && second.value.version !== first.value.version).toBe(true);
    expect(await device.read(`cat ${copy}/key.pem`)).toBe(VALID.key.trim());
  });

  test("it answers as often as it is asked, and journal and agent are told what is wrong", async () => {
    await put("key.pem", "no key");
    const wrong = { ok: false, error: { code: "network.certificate-unreadable", message: `certificate shop: ${SHOP}/key.pem, line 1: this is no PEM: there is no line -----BEGIN PRIVATE KEY-----` } };
    // More often than systemd starts a unit by default within ten seconds.
    for (let time = 0; time < 7; time += 1) expect(await certificates.prepare("shop"), `time ${time}`).toEqual(wrong);
    expect(await journal()).toContain(`${wrong.error.message} (network.certificate-unreadable)`);
    await put("key.pem", VALID.key);
    expect(await certificates.prepare("shop")).toMatchObject({ ok: true });
    expect(await journal()).not.toContain("MIGHAgEA");
  });

  test("a key that is not root's is told with what to do", async () => {
    await device.read(`chown 12345 ${SHOP}/key.pem`);
    expect(await certificates.prepare("shop")).toMatchObject({ ok: false, error: { code: "network.certificate-unreadable", message: expect.stringContaining("must belong to root") as string } });
    await device.read(`chown root ${SHOP}/key.pem`);
  });

  test.each([
    ["is masked", "ln -s /dev/null /run/systemd/system/vitrine-certificate@.service", "rm /run/systemd/system/vitrine-certificate@.service"],
    ["has no program", `mkdir -p /run/systemd/system/${UNIT}.d && printf '%s\\n' '[Service]' ExecStart= ExecStart=/nowhere/launch > /run/systemd/system/${UNIT}.d/test.conf`, `rm -r /run/systemd/system/${UNIT}.d`],
    ["is not the agent's to start", "mv /usr/share/polkit-1/rules.d/50-vitrine.rules /root && systemctl restart polkit", "mv /root/50-vitrine.rules /usr/share/polkit-1/rules.d && systemctl restart polkit"],
  ])("a unit that %s leaves no earlier result that looks like an answer, good or bad", async (_what, spoil, mend) => {
    for (const key of [VALID.key, "no key"]) {
      await put("key.pem", key);
      expect((await certificates.prepare("shop")).ok).toBe(key === VALID.key);
      await device.read(`${spoil} && systemctl daemon-reload`);
      expect(await certificates.prepare("shop")).toMatchObject({ ok: false, error: { code: "network.not-supported", message: expect.stringContaining(UNIT) as string } });
      await device.read(`${mend} && systemctl daemon-reload`);
    }
  });

  test("an agent that starts before NetworkManager uses it once it is there", async () => {
    await device.read("systemctl stop NetworkManager");
    const settings = (await openNmcli(device.runner("vitrine-agent"), systemClock))?.networkSettings;
    expect(await settings?.current()).toMatchObject({ kind: "failed" });
    await device.read("systemctl start NetworkManager");
    await expect.poll(() => settings?.current(), { timeout: 30_000 }).toMatchObject({ kind: "ok" });
    await device.read("systemctl disable --now NetworkManager 2>&1");
    expect(await openNmcli(device.runner("vitrine-agent"), systemClock)).toBeUndefined();
    await device.read("systemctl enable --now NetworkManager 2>&1");
  }, 90_000);

  /** On the boot partition, as a computer writes it. */
  const onBoot = (file: string, text: string): Promise<string> => device.read(`mkdir -p "$(dirname /boot/firmware/${file})" && printf '%s' '${text}' > /boot/firmware/${file}`);
  const SETTINGS = '{"deviceName": "Till", "network": {"dot1x": {"eth0": {"method": "tls", "identity": "player-7", "certificate": "till"}}}}';

  test("certificate and settings on the boot partition are taken by vitrine-provision.service within its sandbox, and ready for the network", async () => {
    for (const [file, text] of [["ca.pem", VALID.cert], ["certificate.pem", VALID.cert], ["key.pem", VALID.key]] as const) await onBoot(`vitrine-certificates/till/${file}`, text);
    await onBoot("vitrine.json", SETTINGS);
    await device.read("systemctl restart vitrine-provision");
    expect(await device.read("ls -A /boot/firmware")).toBe("");
    const till = `${CERTIFICATES_DIR}/till`;
    expect((await device.read(`stat -c '%n %a %U:%G' ${till} ${till}/* /var/lib/vitrine/vitrine-provision.json`)).split("\n")).toEqual([
      `${till} 755 root:root`, `${till}/ca.pem 644 root:root`, `${till}/certificate.pem 644 root:root`, `${till}/key.pem 600 root:root`, "/var/lib/vitrine/vitrine-provision.json 600 vitrine-agent:vitrine-agent",
    ]);
    expect(await certificates.look("till")).toMatchObject({ ok: true, value: { own: OWN } });
  });

  test("a boot partition that is mounted read-only: the file is taken, and doctor and status say what is left until it is gone", async () => {
    await onBoot("vitrine.json", '{"deviceName": "Door"}');
    await device.read("mount --bind /boot/firmware /boot/firmware && mount -o remount,bind,ro /boot/firmware");
    expect((await device.run("systemctl restart vitrine-provision")).status).not.toBe(0);
    await device.read("systemctl restart vitrine-agent");
    const words = "the provisioning file was taken, but the boot partition takes no writes";
    expect(await device.until(`vitrine status | grep -F '${words}'`)).toContain("provisioning.token-left");
    expect(await device.until("vitrine status | grep Door")).toContain("Door");
    expect((await device.run("vitrine doctor")).output).toMatch(new RegExp(`^warning +provisioning +${words}`, "m"));
    await device.read("umount /boot/firmware && systemctl restart vitrine-provision vitrine-agent");
    await device.until("vitrine doctor | grep -E '^ok +provisioning '");
    expect([await device.read("ls -A /boot/firmware"), await device.read("vitrine status | grep -c token-left || true")]).toEqual(["", "0"]);
  });

  test("doctor says that wpa_supplicant is missing, which NetworkManager's package only recommends", async () => {
    const row = async (): Promise<string> => (await device.run("vitrine doctor | grep wpa_supplicant")).output;
    expect(await row()).toMatch(/^ok +wpa_supplicant +\/usr\/sbin\/wpa_supplicant/);
    await device.read("mv /usr/sbin/wpa_supplicant /root/");
    expect(await row()).toMatch(/^warning +wpa_supplicant +wpa_supplicant is not there/);
    await device.read("mv /root/wpa_supplicant /usr/sbin/");
    expect(await device.read(`dpkg-deb --field /root/vitrine_*.deb Recommends`)).toContain("network-manager, wpasupplicant,");
  });
});
