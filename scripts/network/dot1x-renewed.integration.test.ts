import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Dot1xRenewal } from "../../platform/ports/network-settings.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { networkRoot } from "./network-roots.ts";
import { done, Dot1xBench, peap, PEAP_PASSWORD, tls } from "./testing/dot1x-bench.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const root = process.getuid?.() === 0 ? networkRoot("trixie") : undefined;
if (root === undefined) reportLeftOut("the renewal of a certificate for 802.1X", "its Debian has not been made; as root on Debian, npm test makes it");

const RENEW = { renew: ["eth0"] };

describe.skipIf(root === undefined)("a renewed certificate for 802.1X, with the NetworkManager, wpa_supplicant and hostapd of Debian trixie", () => {
  let bench: Dot1xBench;
  beforeAll(async () => {
    bench = await Dot1xBench.start(root ?? "");
    await bench.machine.bash("nmcli connection modify \"$(nmcli -g GENERAL.CONNECTION device show eth0)\" 802-3-ethernet.mtu 1400");
    await bench.keep({ interfaces: { eth0: { method: "static", address: "192.0.2.44/24", gateway: "192.0.2.1", dns: ["192.0.2.1"] } }, ...tls("player") });
  });
  afterAll(() => bench?.machine.close());

  const versionInUse = async (): Promise<string | undefined> => (await bench.shown()).dot1x?.["eth0"]?.version;
  const mtu = () => bench.machine.ask("bash", "-c", 'nmcli -g 802-3-ethernet.mtu connection show "$(nmcli -g GENERAL.CONNECTION device show eth0)"');
  /** How often the switch let the device in. */
  const letIn = (): number => bench.log().split("CTRL-EVENT-EAP-SUCCESS").length - 1;
  const renewed = async (): Promise<Dot1xRenewal> => {
    const [only, ...more] = await bench.renewals();
    if (only === undefined || more.length > 0) throw new Error(`renewals: ${more.length}`);
    return only;
  };

  test("files that the network does not accept are noticed, tried and undone, and the old ones let the device in again", async () => {
    expect(await bench.renewals()).toEqual([]);
    const before = await bench.shown();
    await bench.put("stranger", "player");
    await bench.machine.bash("rm /var/lib/vitrine-certificates/player/key-password.txt");
    expect(await renewed()).toMatchObject({ interface: "eth0", certificate: "player", found: { ok: true } });
    const point = done(await bench.settings.checkpoint(RENEW));
    expect(await bench.settings.apply(RENEW)).toMatchObject({ ok: false, error: { code: "network.dot1x-refused" } });
    const times = letIn();
    done(await bench.settings.restore(point));
    expect(await bench.shown()).toEqual(before);
    await expect.poll(letIn, { timeout: 20_000 }).toBe(times + 1);
    // What was put there is not in use after a power cut either.
    await bench.machine.powercut();
    expect(await bench.shown()).toEqual(before);
    expect(await bench.access()).toMatchObject({ shutOut: false });
  });

  test("files that cannot be used are told, and what is in use stays", async () => {
    await bench.put("mismatch", "player");
    expect(await renewed()).toMatchObject({ found: { ok: false, error: { code: "network.certificate-key-mismatch" } } });
    await bench.put("player-before", "player");
  });

  test("a key with a new password, and a password alone, are used with everything else as it was", async () => {
    const before = await versionInUse();
    await bench.put("renewed", "player");
    const { found } = await renewed();
    await bench.keep(RENEW);
    expect(await bench.shown()).toMatchObject({ interfaces: { eth0: { address: "192.0.2.44/24" } }, dot1x: { eth0: { method: "tls", identity: "player-7", certificate: "player", serverName: "radius.example" } } });
    expect([await versionInUse(), await mtu(), await bench.renewals()]).toEqual([done(found), "1400", []]);
    expect(before).not.toBe(await versionInUse());
    await bench.machine.powercut();
    expect(await versionInUse()).toBe(done(found));
    // No profile with the secrets is left from the look.
    expect(await bench.machine.ask("nmcli", "-t", "-f", "NAME", "connection", "show")).not.toContain("certificate");
  });

  test("the authority of a password is renewed with the password that NetworkManager keeps", async () => {
    await bench.keep(peap(PEAP_PASSWORD));
    const before = await versionInUse();
    await bench.machine.bash("cat /tmp/pki/other.pem >> /var/lib/vitrine-certificates/site/ca.pem");
    const { found } = await renewed();
    await bench.keep(RENEW);
    expect(await bench.shown()).toMatchObject({ dot1x: { eth0: { method: "peap", identity: "player-8", version: done(found) } } });
    expect([before === done(found), await bench.renewals(), await bench.access()]).toMatchObject([false, [], { shutOut: false }]);
  });
});
