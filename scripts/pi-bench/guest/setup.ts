/** Wi-Fi: our ports with NetworkManager, wpa_supplicant and hostapd on the kernel's simulated radios. */
import { execFileSync } from "node:child_process";
import { beforeAll, describe, expect, test } from "vitest";
import { runCommand, type CommandRunner } from "../../../platform/linux/command-runner.ts";
import { openNmcli, type NmcliPorts } from "../../../platform/linux/nmcli-network-settings.ts";
import { systemClock } from "../../../platform/linux/system-clock.ts";
import type { WifiSettings } from "../../../platform/ports/network-settings.ts";
import type { Result } from "../../../platform/ports/result.ts";
import { realBenchTime } from "../../../platform/ports/testing/bench.ts";
import { wifiSetupConformance } from "../../../platform/ports/wifi-setup.conformance.ts";

const SHOP: WifiSettings = { ssid: "Shop", security: "wpa-psk", password: "right password" };
const OFFICE: WifiSettings = { ssid: "Büro: 1 😀", security: "wpa-psk", password: String.raw`pass: word\1 'x'` };
const GUESTS: WifiSettings = { ssid: "Guests", security: "open" };
const HOME: WifiSettings = { ssid: "Home", security: "wpa3-sae", password: "right password" };

let ports: NmcliPorts;
/** How long joining took, by name of the network. */
const joinS = new Map<string, number>();
/** Prints what nmcli said to what failed. */
const run: CommandRunner = async (program, args, ...rest) => {
  const done = await runCommand(program, args, ...rest);
  if (!done.ok) console.log(`#NMCLI ${JSON.stringify(done.error)}`);
  return done;
};

beforeAll(async () => {
  execFileSync("bash", ["/run/job/radio.sh"], { stdio: ["ignore", "inherit", "inherit"] });
  const opened = await openNmcli(run, systemClock);
  if (opened === undefined) throw new Error("NetworkManager is not there or lets nothing be changed");
  ports = opened;
});

describe("a radio under NetworkManager", () => {
  test("the networks in range are listed with how they ask for access", async () => {
    const seen = done(await ports.wifiSetup.scan()).map(({ ssid, security }) => [ssid, security]);
    expect(seen).toEqual(expect.arrayContaining([["Shop", "wpa-psk"], [OFFICE.ssid, "wpa-psk"], ["Guests", "open"], ["Home", "wpa3-sae"], ["Silent", "wpa-psk"]]));
  });

  for (const wifi of [SHOP, GUESTS, HOME, OFFICE]) {
    test(`${wifi.ssid} (${wifi.security}) is joined as a trial and kept`, async () => {
      const startedMs = performance.now();
      const point = done(await ports.networkSettings.checkpoint({ wifi }));
      done(await ports.networkSettings.apply({ wifi }));
      joinS.set(wifi.ssid, since(startedMs));
      done(await ports.networkSettings.keep(point));
      expect(await joined()).toEqual({ ssid: wifi.ssid, security: wifi.security });
      expect(execFileSync("ip", ["-4", "-o", "address", "show", "wlan0"], { encoding: "utf8" })).toContain("192.0.2.");
      expect(await ports.wifiSetup.uplinks()).toMatchObject({ value: { knownWifi: true, connected: true } });
    });
  }

  for (const [why, wifi, code] of [
    ["a wrong password", { ...SHOP, password: "wrong password" }, "network.wrong-password"],
    ["a wrong password of the network in use", { ...OFFICE, password: "wrong password" }, "network.wrong-password"],
    ["a wrong WPA3 password", { ...HOME, password: "wrong password" }, "network.wrong-password"],
    ["a network that is not in range", { ...SHOP, ssid: "Elsewhere" }, "network.not-in-range"],
    ["a network with a password, joined as an open one,", { ssid: "Shop", security: "open" }, "network.refused"],
    ["a network without a DHCP server", { ...SHOP, ssid: "Silent" }, "network.no-address"],
  ] as const) {
    test(`${why} is refused as ${code}, and the network before is back`, async () => {
      const startedMs = performance.now();
      const point = done(await ports.networkSettings.checkpoint({ wifi }));
      const applied = await ports.networkSettings.apply({ wifi });
      done(await ports.networkSettings.restore(point));
      figure(`until ${why} is undone`, since(startedMs));
      expect(applied).toMatchObject({ ok: false, error: { code } });
      expect(await joined()).toEqual({ ssid: OFFICE.ssid, security: OFFICE.security });
      expect(execFileSync("nmcli", ["-t", "-f", "NAME", "connection", "show"], { encoding: "utf8" })).not.toContain("trial");
    });
  }
});

wifiSetupConformance("NetworkManager with a simulated radio", () => Promise.resolve({ setup: ports.wifiSetup, time: realBenchTime(), inRange: "Shop", close: () => Promise.resolve() }));

async function joined(): Promise<unknown> {
  const current = await ports.networkSettings.current();
  return current.kind === "ok" ? current.value.wifi : current;
}

function since(startedMs: number): number {
  return (performance.now() - startedMs) / 1_000;
}

/** Beside joining the same site with the right password, because an emulated second says little. */
function figure(what: string, value: number): void {
  const peerValue = joinS.get("Shop");
  if (peerValue !== undefined) console.log(`#FIGURE ${JSON.stringify({ name: `setup: ${what}`, value, unit: "s", peer: "joining with the right password", peerValue, ratio: value / peerValue })}`);
}

function done<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}
