import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { systemdServices, type Run } from "../../agent/updater/systemd-services.ts";
import { ok } from "../../platform/ports/result.ts";
import { buildApart } from "../build/build-apart.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { ProofCloud } from "../prove/harness/proof-cloud.ts";
import { BootedRoot, PLAYER_IN_A_CONTAINER, quickFolder, whyNoBoot } from "./testing/booted-root.ts";
import { buildTestDeb } from "./testing/test-debs.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const why = whyNoBoot();
if (why !== undefined) reportLeftOut("the Debian package on a booted Debian 13", why);

interface Status {
  readonly deviceId: string;
}

/** The life of a package on one device: each test goes on where the one before it ended. */
describe.skipIf(why !== undefined)("the package on a booted Debian 13", () => {
  let folder: string;
  let device: BootedRoot;
  /** File names in the device's /root. */
  const debs: Record<string, string> = {};
  let deviceId = "";
  /** On this machine, whose network the container shares. */
  let cloud: ProofCloud;

  beforeAll(async () => {
    folder = quickFolder("vitrine-packages-");
    await buildApart(ROOT);
    cloud = await ProofCloud.start(join(folder, "cloud"));
    device = await BootedRoot.boot();
    for (const version of ["0.1.0", "0.2.0"]) debs[version] = await device.give(await buildTestDeb(folder, version));
    await device.installStandIns();
  }, 400_000);

  afterAll(async () => {
    await device.close();
    await cloud.dev.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** The device's own answer, once its agent runs. */
  const status = async (): Promise<Status> => JSON.parse(await device.until("vitrine status --json")) as Status;
  const modes = async (paths: string): Promise<string[]> => (await device.read(`stat -c '%n %a %U:%G' ${paths}`)).split("\n");
  const isEnabled = async (unit: string): Promise<string> => (await device.run(`systemctl is-enabled ${unit}`)).output.trim();

  test("dpkg installs it, its agent runs sandboxed under its unit, and the command line reaches it without variables", async () => {
    const installed = await device.run(`dpkg --install ${debs["0.1.0"] ?? ""}`);
    expect(installed.status, installed.output).toBe(0);
    ({ deviceId } = await status());
    expect(deviceId).toMatch(/^[0-9a-f]{32}$/);
    const properties = ["ActiveState=active", "NRestarts=0", "NoNewPrivileges=yes", "SubState=running", "User=vitrine-agent"];
    const shown = await device.read(`systemctl show vitrine-agent --property=${properties.map((each) => each.split("=")[0]).join(",")}`);
    expect(shown.split("\n").sort()).toEqual(properties);
    expect([await isEnabled("vitrine-agent"), await isEnabled("vitrine-player")]).toEqual(["enabled", "enabled"]);
    // In another folder, with a folder there that a source tree would have.
    expect(JSON.parse(await device.read("mkdir -p /tmp/x/.vitrine/devices/1 && cd /tmp/x && vitrine status --json"))).toMatchObject({ deviceId });
  }, 120_000);

  test("files, folders and limits are as documented", async () => {
    expect(await modes("/etc/vitrine/config.json /var/lib/vitrine /var/lib/vitrine-content /var/lib/vitrine-releases /run/vitrine/run/agent.sock /run/vitrine/run/player.sock")).toEqual([
      "/etc/vitrine/config.json 640 root:vitrine-agent",
      "/var/lib/vitrine 700 vitrine-agent:vitrine-agent",
      "/var/lib/vitrine-content 2750 vitrine-agent:vitrine-link",
      "/var/lib/vitrine-releases 755 root:root",
      "/run/vitrine/run/agent.sock 600 vitrine-agent:vitrine-agent",
      "/run/vitrine/run/player.sock 660 vitrine-agent:vitrine-link",
    ]);
    expect(await device.read("systemd-analyze cat-config systemd/journald.conf | grep ^SystemMaxUse")).toBe("SystemMaxUse=64M");
    expect(await device.read("systemd-analyze cat-config systemd/system.conf | grep ^RuntimeWatchdogSec")).toBe("RuntimeWatchdogSec=60");
    expect(await device.read("systemctl show --property=RuntimeWatchdogUSec")).toBe("RuntimeWatchdogUSec=1min");
    expect(await device.read("systemd-analyze verify vitrine-agent.service 'vitrine-reset@180.service'")).toBe("");
    expect(await device.read("dpkg --verify vitrine")).toBe("");
  });

  test("the udev rules that give the agent the hardware watchdog and the GPIO chips are valid", async () => {
    expect(await device.read("udevadm verify --resolve-names=late /usr/lib/udev/rules.d/60-vitrine.rules /usr/lib/udev/rules.d/70-vitrine-displays.rules")).toContain("Success: 2");
  });

  test("nothing of the player's session outlives it, whether the unit is restarted or the compositor is killed", async () => {
    await device.read(`${PLAYER_IN_A_CONTAINER}; systemctl daemon-reload; systemctl restart vitrine-player`);
    onTestFinished(async () => {
      await device.read("rm -r /etc/systemd/system/vitrine-player.service.d; systemctl daemon-reload");
    });
    // Those of the stand-in for labwc.
    const processes = async (): Promise<string[]> => (await device.run("grep -lx sleep /proc/[0-9]*/comm")).output.trim().split("\n").filter((path) => path !== "");
    for (const end of ["systemctl restart vitrine-player", "systemctl kill --kill-whom=main --signal=KILL vitrine-player"]) {
      await expect.poll(async () => (await processes()).length, { timeout: 30_000 }).toBe(2);
      const before = await processes();
      await device.read(end);
      await expect.poll(async () => {
        const now = await processes();
        return [now.length, now.filter((path) => before.includes(path))];
      }, { timeout: 30_000 }).toEqual([2, []]);
    }
  }, 120_000);

  test("the updater finds what systemd and the processes of its session say about the player", async () => {
    await device.read(`${PLAYER_IN_A_CONTAINER}; systemctl daemon-reload; systemctl restart vitrine-player`);
    onTestFinished(async () => {
      await device.read("rm -r /etc/systemd/system/vitrine-player.service.d; systemctl daemon-reload");
    });
    const run: Run = async (program, args) => ok(await device.read([program, ...args].map((word) => `'${word}'`).join(" ")));
    const services = systemdServices(run, { systemctl: "systemctl", journalctl: "journalctl" });
    await expect.poll(() => services.lastLines(["vitrine-player.service"], 20), { timeout: 30_000 }).toMatchObject({ ok: true, value: expect.arrayContaining([expect.stringMatching(/systemd\[1\]: Started vitrine-player/), expect.stringContaining("the stand-in for labwc waits")]) as string[] });
  }, 60_000);

  test("a user who may not talk to the agent is told to become root", async () => {
    const asked = await device.run("setpriv --reuid=12345 --regid=12345 --clear-groups vitrine status");
    expect(asked.status).toBe(3);
    expect(asked.output).toContain("as root");
  });

  test("the operator's configuration is used and its file named, and the device comes to its cloud and takes commands", async () => {
    const config = { device: { name: "Lobby" }, cloud: { endpoints: [cloud.endpoint], allowPlain: true, firstConnectSpreadMs: 0 } };
    await device.read(`printf '%s' '${JSON.stringify(config)}' > /etc/vitrine/config.json && systemctl restart vitrine-agent`);
    await status();
    expect(await device.read("vitrine config device.name")).toMatch(/^file \/etc\/vitrine\/config\.json\n+device\.name +"Lobby" +from file$/);
    expect((await device.run("vitrine doctor")).output).toMatch(/^ok +configuration file +\/etc\/vitrine\/config\.json$/m);
    await device.until(`vitrine status --json | grep '"kind":"claimed"'`);
    const known = cloud.dev.cloud.context.store.device(deviceId);
    if (known === undefined) throw new Error("the cloud does not know the device");
    const sent = cloud.dev.cloud.commands.create(known, { name: "display.power", params: { on: false } });
    expect(sent.ok).toBe(true);
    // The container has no display, so the command fails: an outcome like any other.
    await device.until(`vitrine commands | grep 'display.power *failed'`);
  }, 120_000);

  test("an upgrade keeps the key, the journal, the queue and the configuration, and runs the new version", async () => {
    await cloud.dev.stop();
    const key = await device.read("cd /var/lib/vitrine && sha256sum identity/device.key");
    const commands = await device.read("vitrine commands --json");
    // Without its cloud the device's records wait.
    await device.until("vitrine events --json | grep '\"seq\"'");
    const records = await waiting();
    const upgraded = await device.run(`dpkg --install ${debs["0.2.0"] ?? ""}`);
    expect(upgraded.status, upgraded.output).toBe(0);
    expect((await status()).deviceId).toBe(deviceId);
    expect(await device.read("cd /var/lib/vitrine && sha256sum identity/device.key")).toBe(key);
    expect(await device.read("vitrine commands --json")).toBe(commands);
    // Every record that waited before the upgrade still waits, under its number.
    expect(await waiting()).toEqual(expect.arrayContaining([...records]));
    expect(await device.read("vitrine config device.name")).toContain("Lobby");
    expect(await device.read("grep -o '\"version\": \"[^\"]*\"' /usr/lib/vitrine/release.json")).toContain("0.2.0");
  }, 120_000);

  test("a downgrade runs the older version, a unit that the operator disabled stays disabled, and no release from the air outlives dpkg's", async () => {
    // An updater at work, which notes when it was stopped before the links went.
    const dropIn = "/run/systemd/system/vitrine-updater.service.d";
    await device.read(`mkdir -p ${dropIn} && printf '%s\\n' '[Service]' ExecStart= 'ExecStart=/bin/sleep infinity' 'ExecStopPost=/bin/sh -c "[ ! -L /var/lib/vitrine-releases/current ] || touch /var/lib/vitrine-releases/stopped-first"' > ${dropIn}/test.conf && systemctl daemon-reload && systemctl restart vitrine-updater`);
    await device.read("systemctl disable vitrine-player 2>/dev/null; ln -s 9.9.9 /var/lib/vitrine-releases/current; ln -s 9.9.9 /var/lib/vitrine-releases/confirmed; echo '{}' > /var/lib/vitrine-releases/trial.json");
    const downgraded = await device.run(`dpkg --install ${debs["0.1.0"] ?? ""}`);
    expect(downgraded.status, downgraded.output).toBe(0);
    expect((await status()).deviceId).toBe(deviceId);
    expect([await isEnabled("vitrine-agent"), await isEnabled("vitrine-player")]).toEqual(["enabled", "disabled"]);
    expect(await device.read("ls -A /var/lib/vitrine-releases")).toBe("stopped-first");
    await device.read(`rm -r ${dropIn} /var/lib/vitrine-releases/stopped-first && systemctl daemon-reload`);
    expect(await device.read("systemctl is-active vitrine-updater.socket vitrine-updater.path")).toBe("active\nactive");
    expect(await device.read("grep -o '\"version\": \"[^\"]*\"' /usr/lib/vitrine/release.json")).toContain("0.1.0");
  }, 120_000);

  test("installing it again, and configuring it again, changes nothing", async () => {
    const [config, again] = [await device.read("sha256sum /etc/vitrine/config.json; id vitrine-agent"), await device.run(`dpkg --install ${debs["0.1.0"] ?? ""} && dpkg-reconfigure vitrine 2>&1; sh /var/lib/dpkg/info/vitrine.postinst configure 0.1.0`)];
    expect(again.status, again.output).toBe(0);
    expect(await device.read("sha256sum /etc/vitrine/config.json; id vitrine-agent")).toBe(config);
    expect((await status()).deviceId).toBe(deviceId);
  }, 120_000);

  test("removing it stops both services and takes the programs, and leaves configuration, identity and data for an installation to come", async () => {
    await device.read("dpkg --remove vitrine");
    expect((await device.run("systemctl is-active vitrine-agent vitrine-player")).status).not.toBe(0);
    expect((await device.run("find /proc -maxdepth 1 -user vitrine-agent 2>/dev/null")).output).toBe("");
    expect((await device.run("ls -d /usr/lib/vitrine /usr/bin/vitrine /var/lib/vitrine-releases /usr/lib/systemd/journald.conf.d/50-vitrine.conf /run/vitrine")).output).not.toMatch(/^\//m);
    expect(await device.read("cat /etc/vitrine/config.json")).toContain("Lobby");
    await device.read(`dpkg --install ${debs["0.1.0"] ?? ""}`);
    expect((await status()).deviceId).toBe(deviceId);
    expect([await isEnabled("vitrine-agent"), await isEnabled("vitrine-player")]).toEqual(["enabled", "disabled"]);
  }, 120_000);

  test("purging it leaves nothing of it but its users and groups, as Debian's policy has it", async () => {
    await device.read("dpkg --purge vitrine");
    expect(await device.read("find / -xdev -name '*vitrine*' -not -path '/root/*' -not -path '/proc/*' -not -path '/tmp/*' | sort")).toBe("");
    expect(await device.read("find / -xdev \\( -user vitrine-agent -o -user vitrine-player -o -group vitrine-link \\) -not -path '/proc/*' -not -path '/tmp/*'")).toBe("");
    expect((await device.run("systemctl list-unit-files 'vitrine*' --no-legend")).output).toBe("");
  });

  /** `stream number kind` of each record that the cloud has not stored. */
  async function waiting(): Promise<readonly string[]> {
    await status();
    const { waiting: records } = JSON.parse(await device.read("vitrine events --limit 500 --json")) as { waiting: { stream: string; seq: number; kind: string }[] };
    return records.map(({ stream, seq, kind }) => `${stream} ${seq} ${kind}`);
  }
});
