/** First boot over the air: our ports and set-up with NetworkManager, wpa_supplicant and hostapd on the kernel's simulated radios. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerPortal } from "../../../agent/core/setup/portal.ts";
import { DEFAULT_SETUP_POLICY } from "../../../agent/core/setup/setup-state.ts";
import { Setup } from "../../../agent/core/setup/setup.ts";
import { NetworkChange } from "../../../agent/core/network/network-change.ts";
import { DEFAULT_NETWORK_POLICY } from "../../../agent/core/network/network-change-deps.ts";
import { WayToCloud } from "../../../agent/core/cloud/way-to-cloud.ts";
import { MemoryDocumentStore } from "../../../agent/core/storage/memory-document-store.ts";
import { createPortalServer } from "../../../agent/node/setup/portal-server.ts";
import { runCommand, type CommandRunner } from "../../../platform/linux/command-runner.ts";
import { openNmcli, type NmcliPorts } from "../../../platform/linux/nmcli-network-settings.ts";
import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { WifiSettings } from "../../../platform/ports/network-settings.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import { realBenchTime } from "../../../platform/ports/testing/bench.ts";
import { wifiSetupConformance } from "../../../platform/ports/wifi-setup.conformance.ts";
import { wifiQrText } from "../../../player-host/screens/wifi-qr.ts";
import { Phone, SiteLink } from "./site.ts";

const SHOP: WifiSettings = { ssid: "Shop", security: "wpa-psk", password: "right password" };
const OFFICE: WifiSettings = { ssid: "Büro: 1 😀", security: "wpa-psk", password: String.raw`pass: word\1 'x'` };
const GUESTS: WifiSettings = { ssid: "Guests", security: "open" };
const HOME: WifiSettings = { ssid: "Home", security: "wpa3-sae", password: "right password" };
/** On an emulated processor each of nmcli's calls takes a second, and the site is only as fast as the device. */
const POLL = { timeout: 300_000, interval: 1_000 };

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

describe("set-up with a phone", () => {
  const link = new SiteLink();
  const stop = new AbortController();
  const phone = new Phone();
  let setup: Setup;
  let running: Promise<unknown>;

  beforeAll(async () => {
    // A device out of its box knows no network.
    execFileSync("bash", ["-c", "nmcli -t -f UUID,TYPE connection show | sed -n 's/:802-11-wireless$//p' | xargs -r -n1 nmcli connection delete uuid"]);
    ({ setup, running } = await startSetup(ports, link, stop.signal));
  });
  afterAll(async () => {
    stop.abort();
    link.close();
    await running;
  });

  const opened = async (): Promise<void> => {
    await until(() => setup.portalView() !== undefined);
    await phone.join(wifiQrText(setup.screen()?.ssid ?? "", setup.screen()?.password ?? ""));
  };
  const portal = (): string => new URL(setup.screen()?.url ?? "").host;
  const choose = async (password: string): Promise<void> => {
    const [, token = ""] = /name="token" value="([^"]+)"/.exec(await phone.get(portal())) ?? [];
    await phone.post(portal(), "/join", { token, ssid: "Shop", password });
    await phone.leave();
  };

  test("the set-up network opens, a phone joins it with what the QR code says, and every name leads to the portal", async () => {
    await opened();
    expect(await phone.get(portal())).toContain("Shop");
    expect(await phone.get("connectivity.example")).toMatch(/^location: http:\/\/10\.42\.0\.1\/\r$/m);
  });

  test("a wrong password brings the set-up network back, and the portal says why", async () => {
    await choose("wrong password");
    const startedMs = performance.now();
    await until(() => setup.portalView() === undefined);
    await opened();
    figure("until the set-up network is back after a wrong password", since(startedMs));
    expect(setup.sentence()).toContain("network.wrong-password");
    expect(await phone.get(portal())).toContain("network.wrong-password");
  });

  test("the right one closes it, and the network is kept", async () => {
    await choose("right password");
    const startedMs = performance.now();
    await until(() => setup.portalView() === undefined);
    await until(() => setup.state().kind === "idle");
    figure("until the device is online after the portal's form", since(startedMs));
    expect([link.status().kind, await joined()]).toEqual(["online", { ssid: "Shop", security: "wpa-psk" }]);
    expect(execFileSync("nmcli", ["-t", "-f", "NAME,AUTOCONNECT", "connection", "show"], { encoding: "utf8" }).split("\n")).toEqual(expect.arrayContaining(["vitrine-wlan0:yes"]));
  });
});

wifiSetupConformance("NetworkManager with a simulated radio", () => Promise.resolve({ setup: ports.wifiSetup, time: realBenchTime(), inRange: "Shop", close: () => Promise.resolve() }));

/** Set-up as the agent runs it, but the portal listens itself: this machine has no systemd. */
async function startSetup({ networkSettings, wifiSetup }: NmcliPorts, link: SiteLink, signal: AbortSignal): Promise<{ readonly setup: Setup; readonly running: Promise<unknown> }> {
  const timers = new SystemTimers();
  const common = { clock: systemClock, timers, random: systemRandom, log: silentLog };
  const way = new WayToCloud(silentLog);
  const network = await NetworkChange.load({
    ...common, way, settings: networkSettings, proxy: undefined, documents: new MemoryDocumentStore(), crypto: nodeCrypto, policy: DEFAULT_NETWORK_POLICY,
    alarms: { raise: () => {}, clear: () => {}, active: () => new Map() },
  });
  network.attach(link);
  const server = createPortalServer({ answer: (request) => answerPortal({ view: () => setup.portalView(), choose: (choice) => setup.choose(choice) }, request), clock: systemClock, log: silentLog });
  const door = {
    open: (address: string) => new Promise<Result<string>>((resolve) => server.listen(80, address, () => resolve(ok(address)))),
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
  const setup: Setup = new Setup({
    ...common, way, network, door, radio: wifiSetup, location: {}, clockControl: { timeZone: () => Promise.resolve({ kind: "ok", value: "Etc/UTC", atMs: 0 }) }, ownerChoseZone: () => false, place: undefined, file: undefined, fileUsed: () => {}, ownerChose: () => false, owned: () => false,
    uptimeMs: () => Promise.resolve({ kind: "ok", value: 0, atMs: 0 }), deviceId: "8f2c01ab77", policy: { ...DEFAULT_SETUP_POLICY, graceMs: 1_000 },
  });
  return { setup, running: Promise.all([setup.run(signal), network.run(signal)]) };
}

async function joined(): Promise<unknown> {
  const current = await ports.networkSettings.current();
  return current.kind === "ok" ? current.value.wifi : current;
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + POLL.timeout; !holds(); ) {
    if (performance.now() > endMs) throw new Error(`not within ${POLL.timeout / 1_000} s: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL.interval));
  }
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
