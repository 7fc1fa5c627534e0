import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { CurrentNetwork, NetworkChangeSettings } from "../../platform/ports/network-settings.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { networkRoot } from "./network-roots.ts";
import { done, Dot1xBench, peap, PEAP_PASSWORD, tls } from "./testing/dot1x-bench.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const root = process.getuid?.() === 0 ? networkRoot("trixie") : undefined;
if (root === undefined) reportLeftOut("802.1X with the NetworkManager of Debian trixie", "its Debian has not been made; as root on Debian, npm test makes it");

describe.skipIf(root === undefined)("802.1X with the NetworkManager, wpa_supplicant and hostapd of Debian trixie", () => {
  let bench: Dot1xBench;
  let before: CurrentNetwork;
  beforeAll(async () => {
    bench = await Dot1xBench.start(root ?? "");
    before = await bench.shown();
  });
  afterAll(() => bench?.machine.close());

  test.each<[string, NetworkChangeSettings, string]>([
    ["a certificate of another authority", tls("stranger"), "stranger (CN=player-7)"],
    ["a device that the server does not know", tls("player", "player-9"), "player (CN=player-7)"],
    ["a server that the authority does not vouch for", tls("distrusts"), "distrusts (CN=player-7)"],
    ["a wrong password", peap("wrong word"), "player-8 or its password"],
  ])("with %s the device is not let in, says so, and goes back", async (_what, change, words) => {
    const { settings } = bench;
    const point = done(await settings.checkpoint(change));
    const refused = await settings.apply(change);
    expect(refused).toMatchObject({ ok: false, error: { code: "network.dot1x-refused", message: expect.stringContaining(words) as string } });
    expect(JSON.stringify(refused)).not.toContain("wrong word");
    done(await settings.restore(point));
    expect(await bench.shown()).toEqual(before);
  });

  test("a certificate is accepted, then a password, and null ends 802.1X", async () => {
    await bench.keep(tls("player"));
    expect((await bench.shown()).dot1x?.["eth0"]).toMatchObject({ method: "tls", certificate: "player" });
    await bench.keep(peap(PEAP_PASSWORD));
    expect((await bench.shown()).dot1x?.["eth0"]).toEqual({ method: "peap", identity: "player-8", certificate: "site", version: expect.any(String) as string });
    await bench.keep({ dot1x: { eth0: null } });
    expect(await bench.shown()).toEqual(before);
  });
});
