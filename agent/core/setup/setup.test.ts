import { afterEach, describe, expect, test } from "vitest";
import { seen } from "../../../platform/ports/reading.ts";
import { fail, ok } from "../../../platform/ports/result.ts";
import type { WifiSetup } from "../../../platform/ports/wifi-setup.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { unboxed, withAccessPoint } from "../../../platform/simulated/simulated-site.ts";
import { simulatedWifiSetup } from "../../../platform/simulated/simulated-wifi-setup.ts";
import type { Network } from "../../protocol/network-settings.ts";
import { machine, NetworkBench, textLog } from "../network/testing/network-bench.ts";
import { DEFAULT_SETUP_POLICY } from "./setup-state.ts";
import { Setup } from "./setup.ts";

const { graceMs, windowMs, fileRetryMs, guestMs } = DEFAULT_SETUP_POLICY;
const SHOP = { ssid: "Shop", security: "wpa-psk", password: "correct horse" } as const;
const wifi = (over: object = {}): Network => ({ wifi: { ...SHOP, ...over } });
const request = (over: object = {}) => ({ ssid: wifi(over).wifi?.ssid ?? "", network: wifi(over) });

/** A device with a wireless adapter and no cable, in range of the shop's network. */
class SetupBench {
  readonly net: NetworkBench;
  readonly radio: ReturnType<typeof simulatedWifiSetup>;
  readonly door: string[] = [];
  readonly lines: string[] = [];
  readonly used: string[] = [];
  readonly placed: string[] = [];
  setup!: Setup;
  owned = false;
  ownerChose = false;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(net: NetworkBench) {
    this.net = net;
    this.radio = simulatedWifiSetup(net.machine.world);
  }

  static async start(over: { readonly file?: Network; readonly cable?: boolean; readonly uptimeMs?: number; readonly location?: { country?: string; timeZone?: string }; readonly zone?: string; readonly ownerChoseZone?: boolean; readonly radio?: (radio: WifiSetup) => WifiSetup } = {}): Promise<SetupBench> {
    const of = machine();
    const { world, time } = of;
    const { eth0 } = world.state.network.interfaces;
    const network = unboxed(world.state.network, SHOP);
    world.update({ network: { ...network, interfaces: { ...(over.cable === true && eth0 !== undefined && { eth0 }), ...network.interfaces } } });
    const bench = new SetupBench(await NetworkBench.start(of, { forMs: 0 }));
    const startedMs = time.monotonicMs();
    bench.setup = new Setup({
      radio: over.radio === undefined ? bench.radio : over.radio(bench.radio),
      door: { open: (address) => Promise.resolve(ok((bench.door.push(`open ${address}`), address))), close: () => Promise.resolve(void bench.door.push("close")) },
      location: over.location ?? {}, ownerChoseZone: () => over.ownerChoseZone === true,
      place: { setCountry: (code) => Promise.resolve(ok(void bench.placed.push(code))) },
      clockControl: {
        timeZone: () => Promise.resolve(seen(over.zone ?? "Etc/UTC", 0)),
        setTimeZone: (name) => {
          const observed = seen(name, 0);
          if (name === "Mars") return Promise.resolve({ attempted: true, acknowledged: false, observed, error: { code: "clock.zone-refused", message: "no" } });
          bench.placed.push(name);
          return Promise.resolve({ attempted: true, acknowledged: true, observed });
        },
      },
      network: bench.net.change, way: bench.net.way, file: over.file, fileUsed: () => void bench.used.push("network"),
      ownerChose: () => bench.ownerChose, owned: () => bench.owned,
      uptimeMs: () => Promise.resolve({ kind: "ok", value: (over.uptimeMs ?? 0) + time.monotonicMs() - startedMs, atMs: time.monotonicMs() }),
      deviceId: "8f2c01ab77", clock: time, timers: time, random: new SeededRandom(3), log: textLog(bench.lines), policy: DEFAULT_SETUP_POLICY,
    });
    bench.#running = bench.setup.run(bench.#stop.signal);
    await bench.pass(graceMs);
    return bench;
  }

  async pass(forMs: number): Promise<void> {
    await this.net.advance(forMs);
  }

  plugCable(): void {
    const { network } = this.net.machine.world.state;
    this.net.machine.world.update({ network: { ...network, interfaces: { ...network.interfaces, eth0: { kind: "ethernet", mac: "02:00:00:00:00:01", addresses: ["192.0.2.9/24"] } } } });
    this.setup.poke();
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.net.machine.time.settled(this.#running);
    await this.net.end();
  }
}

let bench: SetupBench;
afterEach(() => bench.end());

describe("without a known network", () => {
  test("a set-up network opens whose name is on the device and whose password is on the screen alone", async () => {
    bench = await SetupBench.start();
    const screen = bench.setup.screen();
    expect(screen).toEqual({ ssid: "Vitrine-8f2c01ab", password: expect.stringMatching(/^[a-z2-9]{4}(-[a-z2-9]{4}){2}$/) as string, url: "http://10.42.0.1/" });
    expect(bench.radio.open()).toEqual({ ssid: screen?.ssid, password: screen?.password });
    expect(bench.setup.portalView()?.networks.map(({ ssid }) => ssid)).toEqual(["Shop"]);
    expect(bench.lines.join("\n")).not.toContain(screen?.password);
    expect(JSON.stringify(bench.setup.portalView())).not.toContain(screen?.password);
  });

  test("a choice in the portal closes it, and the device is online over what was chosen", async () => {
    bench = await SetupBench.start();
    expect(bench.setup.choose(request())).toBe(true);
    // While it is being tried, nobody chooses again.
    expect([bench.setup.choose(request()), bench.setup.portalView()]).toEqual([false, undefined]);
    await bench.pass(10_000);
    expect([bench.net.online(), bench.setup.state().kind, bench.radio.open(), bench.setup.sentence()]).toEqual([true, "idle", undefined, undefined]);
    await bench.pass(2 * windowMs);
    expect(bench.door.filter((call) => call.startsWith("open"))).toHaveLength(1);
    expect(bench.setup.choose(request())).toBe(false);
  });

  test.each([
    [{ password: "wrong horse" }, "The network Shop refused the password (network.wrong-password)."],
    [{ ssid: "Elsewhere" }, "The network Elsewhere is not in range (network.not-in-range)."],
  ])("a choice that fails (%j) is undone at once, and screen and portal say why", async (over, sentence) => {
    bench = await SetupBench.start();
    const { token } = bench.setup.portalView() ?? {};
    bench.setup.choose(request(over));
    await bench.pass(10_000);
    expect(bench.setup.sentence()).toBe(sentence);
    expect(bench.setup.portalView()?.problem).toBe(sentence);
    expect(bench.setup.portalView()?.token).not.toBe(token);
    expect(bench.radio.open()).toBeDefined();
    expect(bench.lines.join("\n")).not.toMatch(/correct horse|wrong horse/);
    // The same choice again is tried again: perhaps the router was being restarted.
    bench.setup.choose(request(over));
    await bench.pass(10_000);
    expect(bench.net.calls.filter((call) => call === "apply")).toHaveLength(2);
    bench.setup.choose(request());
    await bench.pass(10_000);
    expect(bench.net.online()).toBe(true);
  });

  test("it closes after its time, or for a cable, or for an owner", async () => {
    bench = await SetupBench.start();
    await bench.pass(windowMs - graceMs - 1);
    expect(bench.radio.open()).toBeDefined();
    await bench.pass(10_001);
    expect([bench.radio.open(), bench.door.at(-1)]).toEqual([undefined, "close"]);
    await bench.end();
    bench = await SetupBench.start();
    bench.plugCable();
    await bench.pass(100);
    expect(bench.radio.open()).toBeUndefined();
    await bench.end();
    bench = await SetupBench.start();
    bench.owned = true;
    bench.setup.poke();
    await bench.pass(100);
    expect(bench.radio.open()).toBeUndefined();
  });

  test("a restart of the agent long after power-on does not open it", async () => {
    bench = await SetupBench.start({ uptimeMs: windowMs });
    expect(bench.radio.open()).toBeUndefined();
  });

  test("an adapter that cannot be an access point is told and tried again later", async () => {
    let refuses = true;
    bench = await SetupBench.start({ radio: (radio) => ({ ...radio, openAccessPoint: (wanted) => (refuses ? Promise.resolve(fail("network.refused", "no AP mode")) : radio.openAccessPoint(wanted)) }) });
    expect([bench.setup.screen(), bench.setup.sentence()]).toEqual([undefined, "The network could not be used: no AP mode (network.refused)."]);
    refuses = false;
    await bench.pass(60_000);
    expect(bench.radio.open()).toBeDefined();
  });
});

test.each([
  ["its country and its time zone", { location: { country: "DE", timeZone: "Europe/Berlin" } }, ["DE", "Europe/Berlin"]],
  ["no time zone that it has already", { location: { timeZone: "Europe/Berlin" }, zone: "Europe/Berlin" }, []],
  ["no time zone where the owner chose one", { location: { timeZone: "Europe/Berlin" }, ownerChoseZone: true }, []],
  ["a time zone that it refuses, and goes on", { location: { timeZone: "Mars" } }, []],
])("at each start the machine is told by the file %s", async (_what, over, placed) => {
  bench = await SetupBench.start({ ...over, cable: true });
  expect([bench.placed, bench.used]).toEqual([placed, []]);
});

describe("the network of the provisioning file", () => {
  test("is joined without a person, and then removed from the file", async () => {
    bench = await SetupBench.start({ file: wifi() });
    await bench.pass(10_000);
    expect([bench.net.online(), bench.used, bench.radio.open()]).toEqual([true, ["network"], undefined]);
  });

  test("with a wrong password is undone at once, told, and leaves a working cable alone", async () => {
    bench = await SetupBench.start({ file: wifi({ password: "wrong horse" }), cable: true });
    await bench.pass(10_000);
    expect([bench.net.online(), bench.used, bench.radio.open()]).toEqual([true, [], undefined]);
    expect(bench.setup.sentence()).toBe("The network Shop refused the password (network.wrong-password).");
    expect(bench.net.machine.world.state.network.settings?.wifi).toBeUndefined();
  });

  test("that is not in range is waited for and joined when it is", async () => {
    bench = await SetupBench.start({ file: wifi({ ssid: "Later" }), cable: true });
    expect([bench.setup.sentence(), bench.net.calls.includes("apply")]).toEqual(["The network Later is not in range (network.not-in-range).", false]);
    const { world } = bench.net.machine;
    world.update({ network: withAccessPoint(world.state.network, { ...SHOP, ssid: "Later" }, true) });
    await bench.pass(fileRetryMs + 20_000);
    expect([bench.used, bench.setup.sentence()]).toEqual([["network"], undefined]);
  });

  test("that came back later than the device is joined though the set-up network is open, unless a person is using that", async () => {
    bench = await SetupBench.start({ file: wifi({ ssid: "Later" }) });
    expect(bench.radio.open()).toBeDefined();
    const { password } = bench.setup.screen() ?? {};
    const { world } = bench.net.machine;
    await bench.pass(fileRetryMs - 20_000);
    bench.setup.visited();
    await bench.pass(40_000);
    expect([bench.radio.open()?.password, bench.used]).toEqual([password, []]);
    // Once the person is gone the network is looked for, and what is on the screen stays true while it is not there.
    await bench.pass(guestMs);
    expect([bench.door.filter((call) => call === "close").length, bench.radio.open()?.password]).toEqual([1, password]);
    world.update({ network: withAccessPoint(world.state.network, { ...SHOP, ssid: "Later" }, true) });
    await bench.pass(fileRetryMs + 20_000);
    expect([bench.radio.open(), bench.used, bench.net.online()]).toEqual([undefined, ["network"], true]);
  });

  test("gives way to settings that the owner chose", async () => {
    bench = await SetupBench.start({ file: wifi({ ssid: "Later" }), cable: true });
    bench.ownerChose = true;
    await bench.pass(fileRetryMs + 20_000);
    expect([bench.used, bench.net.calls.includes("apply"), bench.setup.sentence()]).toEqual([["network"], false, undefined]);
  });
});
