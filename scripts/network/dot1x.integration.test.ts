import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CERTIFICATES_DIR } from "../../platform/linux/device-certificates.ts";
import type { CurrentNetwork } from "../../platform/ports/network-settings.ts";
import { ok } from "../../platform/ports/result.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { networkRoot } from "./network-roots.ts";
import { done, Dot1xBench, tls, USERS } from "./testing/dot1x-bench.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const root = process.getuid?.() === 0 ? networkRoot("bookworm") : undefined;
if (root === undefined) reportLeftOut("802.1X with the NetworkManager of Debian bookworm", "its Debian has not been made; as root on Debian, npm test makes it");

describe.skipIf(root === undefined)("802.1X with the NetworkManager, wpa_supplicant and hostapd of Debian bookworm", () => {
  let bench: Dot1xBench;
  let before: CurrentNetwork;
  beforeAll(async () => {
    bench = await Dot1xBench.start(root ?? "");
    before = await bench.shown();
  });
  afterAll(() => bench?.machine.close());

  test.each<[string, string]>([
    ["absent", "network.certificate-not-found"],
    ["site", "network.certificate-not-found"],
    ["expired", "network.certificate-expired"],
    ["mismatch", "network.certificate-key-mismatch"],
    ["locked", "network.certificate-key-password"],
  ])("with the certificate %s nothing is tried: %s", async (certificate, code) => {
    expect(await bench.settings.apply(tls(certificate))).toMatchObject({ ok: false, error: { code, message: expect.stringContaining(certificate) as string } });
    expect(await bench.shown()).toEqual(before);
  });

  test("a certificate is accepted; a power cut ends the trial, and what was kept survives one", async () => {
    const { machine, settings } = bench;
    const current = { method: "tls", identity: "player-7", certificate: "player", serverName: "radius.example", version: expect.any(String) as string, subject: "CN=player-7", notAfterMs: expect.any(Number) as number };
    const point = done(await settings.checkpoint(tls("player")));
    done(await settings.apply(tls("player")));
    expect((await bench.shown()).dot1x?.["eth0"]).toEqual(current);
    expect(bench.log()).toContain("CTRL-EVENT-EAP-SUCCESS");
    await machine.powercut();
    expect(await bench.shown()).toEqual(before);
    done(await settings.restore(point));
    await bench.keep(tls("player"));
    await machine.powercut();
    expect(await bench.shown()).toEqual({ ...before, dot1x: { eth0: current } });
    expect(await bench.access()).toMatchObject({ interface: "eth0", shutOut: false });
    // The profile that root prepared is gone with its secrets, and the files are root's.
    expect(await machine.ask("nmcli", "-t", "-f", "NAME", "connection", "show")).not.toContain("certificate");
    for (const file of ["key.pem", "key-password.txt"]) {
      const read = await machine.runner("vitrine-agent")("cat", [`${CERTIFICATES_DIR}/player/${file}`], 20_000);
      expect(read).toMatchObject({ ok: false, error: { message: expect.stringContaining("Permission denied") as string } });
    }
  });

  test("a device that is refused at its start is reported, NetworkManager gives up, and it comes back when asked again", async () => {
    const { machine, settings } = bench;
    await bench.authenticator('"player-6" TLS\n');
    await machine.bash("stop KILL; rm -rf /run/NetworkManager; ip addr flush dev eth0; ip link set eth0 down; start");
    await expect.poll(() => machine.ask("nmcli", "-g", "GENERAL.STATE", "device", "show", "eth0"), { timeout: 40_000 }).toContain("disconnected");
    expect(await bench.access()).toMatchObject({ interface: "eth0", shutOut: true, subject: "CN=player-7" });
    await bench.authenticator(USERS);
    done((await settings.dot1x?.askAgain()) ?? ok(undefined));
    expect(await bench.access()).toMatchObject({ shutOut: false });
  });
});
