import { describe, expect, test } from "vitest";
import { audioConformance } from "../ports/audio.conformance.ts";
import { cecConformance } from "../ports/cec.conformance.ts";
import { displayConformance, readingsOf } from "../ports/display.conformance.ts";
import { gpioConformance } from "../ports/gpio.conformance.ts";
import { hostConformance } from "../ports/host.conformance.ts";
import { networkConformance } from "../ports/network.conformance.ts";
import { networkSettingsConformance } from "../ports/network-settings.conformance.ts";
import { wifiSetupConformance } from "../ports/wifi-setup.conformance.ts";
import { outputsConformance } from "../ports/outputs.conformance.ts";
import { probeConformance } from "../ports/probe.conformance.ts";
import { virtualBenchTime } from "../ports/testing/bench.ts";
import { SeededRandom } from "./seeded-random.ts";
import { createSimulatedAdapter } from "./simulated-adapter.ts";
import { SimulatedGpio } from "./simulated-gpio.ts";
import { VirtualTime } from "./virtual-time.ts";
import { SimulatedWorld } from "./world.ts";

function open() {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("adapter") });
  const gone: string[] = [];
  const adapter = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: (kind) => gone.push(kind) });
  const { displays, cec, gpio, outputs, audio, watchdog } = adapter;
  const display = displays?.[0]?.display;
  if (
    display === undefined ||
    cec === undefined ||
    gpio === undefined ||
    outputs === undefined ||
    audio === undefined ||
    watchdog === undefined
  ) {
    throw new Error("the simulated machine has every port");
  }
  const close = async (): Promise<void> => {
    await adapter.close();
    world.close();
  };
  return {
    ...adapter,
    display,
    cec,
    gpio,
    outputs,
    audio,
    watchdog,
    close,
    adapter,
    world,
    gone,
    virtual: time,
    time: virtualBenchTime(time),
  };
}

const setMood = (world: SimulatedWorld) => world.setMood.bind(world);
const bench =
  <T>(make: (all: ReturnType<typeof open>) => T) =>
  () =>
    Promise.resolve(make(open()));

displayConformance(
  "simulated",
  bench((all) => ({ ...all, setMood: setMood(all.world) })),
  { moods: true },
);
cecConformance(
  "simulated",
  bench((all) => ({
    ...all,
    setMood: setMood(all.world),
    tvSays: ({ toAll, opcode, operands }) => Promise.resolve(void all.world.apply({ action: "cec.message", params: { destination: toAll ? 15 : 4, opcode, operands: [...operands] } })),
  })),
  { moods: true },
);
describe("the simulated header", () => {
  function header(configured: string) {
    const time = new VirtualTime();
    const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("header") });
    return { world, gpio: new SimulatedGpio({ world, clock: time, timers: time, configured }) };
  }

  test("has the names and the reserved lines of a real one", async () => {
    const { gpio } = header("");
    expect(await gpio.write("PIN11", 1)).toEqual({ ok: true, value: 1 });
    expect(await gpio.read("BCM17")).toEqual({ ok: true, value: 1 });
    expect(await gpio.write("PIN8", 1)).toMatchObject({ ok: false, error: { code: "gpio.reserved" } });
    const lines = await gpio.lines();
    expect(lines.ok && lines.value.find(({ name }) => name === "GPIO17")?.aliases).toEqual(["PIN11", "BCM17"]);
  });

  test("is wired as gpio.lines says: names, polarity, pull, safe levels and lines that are free", async () => {
    const { gpio, world } = header("line=GPIO17,name=relay,active=low,safe=0;line=PIN8,reserved=no;line=GPIO22,pull=up");
    expect([world.levelOf("GPIO17"), world.state.gpio.lines["GPIO17"]?.direction]).toEqual([1, "output"]);
    expect(await gpio.write("relay", 1)).toEqual({ ok: true, value: 1 });
    expect(world.levelOf("GPIO17")).toBe(0);
    expect(await gpio.write("GPIO14", 1)).toEqual({ ok: true, value: 1 });
    await gpio.watch("GPIO22", { debounceMs: 0 }, () => undefined);
    expect(world.state.gpio.lines["GPIO22"]?.pull).toBe("up");
    expect(gpio.issues()).toEqual([]);
  });

  test("tells entries that it cannot use", () => {
    expect(header("line=GPIO99;line=GPIO2,safe=1;line=GPIO5,aktiv=low").gpio.issues().map(({ code }) => code)).toEqual(["gpio.config-malformed", "gpio.no-such-line", "gpio.busy"]);
  });
});

gpioConformance(
  "simulated",
  bench((all) => ({
    ...all,
    freeLines: ["GPIO17", "GPIO27"] as const,
    heldLine: "GPIO2",
    drive: (line: string, level: 0 | 1) => all.world.updateLine(line, { external: level }),
    levelSeenOutside: (line: string) => all.world.levelOf(line) ?? 0,
    breakHeader: () => all.world.update({ gpio: { ...all.world.state.gpio, mood: "broken" } }),
  })),
  { outside: true },
);
outputsConformance(
  "simulated",
  bench((all) => ({
    ...all,
    plugged: "HDMI-A-1",
    empty: "HDMI-A-2",
    plug: (connected: boolean) => void all.world.plug("HDMI-A-1", connected),
  })),
  { hotPlug: true },
);
audioConformance(
  "simulated",
  bench((all) => all),
);
hostConformance(
  "simulated",
  bench((all) => ({ power: all.power, clock: all.clock, time: all.time, close: all.close, wentDown: () => all.gone.length })),
  { mayReboot: true },
);
probeConformance(
  "simulated",
  bench((all) => ({ ...all, probe: all.probe })),
);
networkConformance(
  "simulated",
  bench((all) => ({ ...all, setLink: (up: boolean) => void all.world.apply({ action: up ? "network.restore" : "network.cut" }) })),
  { mayCut: true },
);
networkSettingsConformance("simulated, on a cable", () => Promise.resolve(settingsBench(open())));
wifiSetupConformance("simulated, without an adapter", () => Promise.resolve(setupBench(open())));
wifiSetupConformance("simulated", () => {
  const all = open();
  all.world.apply({ action: "network.on-wifi", params: { ssid: "Shop", password: "shop-password" } });
  return Promise.resolve({ ...setupBench(all), inRange: "Shop" });
});
networkSettingsConformance("simulated, with a wireless adapter", () => {
  const all = open();
  all.world.apply({ action: "network.on-wifi", params: { ssid: "Before" } });
  all.world.apply({ action: "network.access-point", params: { ssid: "Shop", password: "shop-password" } });
  all.world.update({ network: { ...all.world.state.network, settings: { interfaces: {} } } });
  return Promise.resolve({ ...settingsBench(all), wifi: { ssid: "Shop", security: "wpa-psk", password: "shop-password" } as const });
});

function setupBench(all: ReturnType<typeof open>) {
  const { wifiSetup } = all.adapter;
  if (wifiSetup === undefined) throw new Error("the simulated machine has every port");
  return { setup: wifiSetup, time: all.time, close: all.close };
}

function settingsBench(all: ReturnType<typeof open>) {
  const { networkSettings } = all.adapter;
  if (networkSettings === undefined) throw new Error("the simulated machine has every port");
  return { settings: networkSettings, time: all.time, wired: "eth0", boot: () => all.world.boot(), close: all.close };
}

describe("simulated adapter", () => {
  test("a TV slower than CEC's one second is unknown, not off", async () => {
    const all = open();
    all.world.updateDisplay({ latencyMs: 5_000 });
    const status = await all.virtual.settled(all.display.status());
    expect(readingsOf(all.display, status).map((reading) => reading.kind)).toEqual(all.display.capabilities.readable.map(() => "unknown"));
    await all.close();
  });

  test("a cable unplugged during a power command is reported as such", async () => {
    const all = open();
    const effect = all.display.set("power", "standby");
    await all.virtual.advance(400);
    all.world.setMood("unplugged");
    expect(await all.virtual.settled(effect)).toMatchObject({
      attempted: true,
      observed: { kind: "failed" },
      error: { code: "cec.unplugged" },
    });
    await all.close();
  });

  test("an unknown CEC message is answered with Feature Abort", async () => {
    const all = open();
    const sent = await all.virtual.settled(all.cec.send({ destination: 0, opcode: 0xa7, operands: new Uint8Array() }, 1_000));
    expect(sent).toMatchObject({ ok: true, value: { reply: { opcode: 0x00, operands: Uint8Array.of(0xa7, 0) } } });
    await all.close();
  });

  test("a broadcast that the TV does not know or refuses is not answered", async () => {
    const all = open();
    const send = (opcode: number) => all.virtual.settled(all.cec.send({ destination: 15, opcode, operands: Uint8Array.of(0x20, 0x00) }, 1_000));
    const unanswered = { ok: true, value: { acknowledged: true } };
    expect(await send(0xa7)).toEqual(unanswered);
    all.world.setMood("refusing");
    expect(await send(0x82)).toEqual(unanswered);
    expect(all.world.state.display.input).toBe("hdmi-1");
    await all.close();
  });

  test.each<[string, object, readonly (readonly number[])[]]>([
    ["standby", { power: "standby" }, [[0, 15, 0x36]]],
    ["another player's input", { input: "hdmi-2" }, [[0, 15, 0x86, 0x20, 0x00], [8, 15, 0x82, 0x20, 0x00]]],
    ["its tuner", { input: "tuner" }, [[0, 15, 0x82, 0x00, 0x00]]],
    ["what it has already", { power: "on", input: "hdmi-1" }, []],
    ["what CEC has no message for", { brightness: 10 }, []],
  ])("the TV announces that its remote chose %s", async (_what, params, expected) => {
    const all = open();
    const heard: number[][] = [];
    all.cec.onMessage?.(({ source, destination, opcode, operands }) => heard.push([source, destination, opcode, ...operands]));
    all.world.apply({ action: "display.remote", params });
    expect(heard).toEqual(expected);
    await all.close();
  });

  test("a key of the remote is pressed and released, and a closed bus hears nothing more", async () => {
    const all = open();
    const heard: number[][] = [];
    all.cec.onMessage?.(({ opcode, operands }) => heard.push([opcode, ...operands]));
    all.world.apply({ action: "cec.key", params: { key: "red", holdMs: 300 } });
    await all.virtual.advance(299);
    expect(heard).toEqual([[0x44, 0x72]]);
    await all.virtual.advance(1);
    expect(heard).toEqual([[0x44, 0x72], [0x45]]);
    for (const mood of ["deaf", "unplugged"] as const) {
      all.world.setMood(mood);
      all.world.apply({ action: "cec.key", params: { key: "red" } });
    }
    all.world.setMood("normal");
    await all.close();
    all.world.sayOnCec({ source: 0, destination: 15, opcode: 0x36, operands: new Uint8Array() });
    expect(heard).toHaveLength(2);
  });

  test("closing during a pulse leaves the line at rest and no timer", async () => {
    const all = open();
    const pulse = all.gpio.pulse("GPIO17", 1, 30_000);
    await all.virtual.advance(10);
    expect(all.world.levelOf("GPIO17")).toBe(1);
    await all.close();
    expect(await pulse).toMatchObject({ ok: true, value: { measuredMs: 10 } });
    expect(all.world.levelOf("GPIO17")).toBe(0);
    expect(all.virtual.pending()).toEqual([]);
  });

  test("a fed watchdog does nothing; an unfed one takes the machine down", async () => {
    const all = open();
    const before = all.world.state.power.bootId;
    await all.virtual.advance(10 * all.watchdog.timeoutMs);
    for (let i = 0; i < 5; i++) {
      await all.watchdog.feed();
      await all.virtual.advance(all.watchdog.timeoutMs - 1);
    }
    expect(all.gone).toEqual([]);
    await all.virtual.advance(1);
    expect(all.gone).toEqual(["reboot"]);
    expect(all.world.state.power.bootId).not.toBe(before);
    await all.close();
  });

  test("a machine may accept a reboot and ignore it, or refuse it", async () => {
    const all = open();
    const before = all.world.state.power.bootId;
    all.world.apply({ action: "power.mood", params: { mood: "ignored" } });
    expect(await all.power.reboot("test")).toMatchObject({ ok: true });
    all.world.apply({ action: "power.mood", params: { mood: "refused" } });
    expect(await all.power.shutdown("test")).toMatchObject({ ok: false, error: { code: "host.refused" } });
    await all.virtual.advance(60_000);
    expect([all.gone, all.world.state.power.bootId]).toEqual([[], before]);
    await all.close();
  });

  test("a power cut is a new boot once the software starts again, and not before", async () => {
    const all = open();
    const before = all.world.state.power.bootId;
    const seenByTheDying: string[] = [];
    all.world.setHooks({ onPowerCut: () => seenByTheDying.push(all.world.state.power.bootId) });
    expect(all.world.apply({ action: "power.cut" })).toMatchObject({ ok: true });
    expect(seenByTheDying).toEqual([before]);
    await all.adapter.close();
    const next = createSimulatedAdapter(all.world, { clock: all.virtual, timers: all.virtual, onMachineGone: () => {} });
    expect(await next.power.bootId()).not.toBe(before);
    expect(all.world.state.power).toMatchObject({ pending: "none", boots: 2 });
    await all.close();
  });

  test("overheating and a full disk are visible in the probe at once", async () => {
    const all = open();
    all.world.apply({ action: "temperature.overheat" });
    all.world.apply({ action: "disk.fill" });
    expect(await all.probe.disk()).toMatchObject({ kind: "ok", value: { freeBytes: 0 } });
    const hot = await all.probe.temperatureC();
    expect(hot.kind === "ok" ? hot.value : 0).toBeGreaterThan(85);
    all.world.apply({ action: "temperature.cool" });
    all.world.apply({ action: "disk.free" });
    const cool = await all.probe.temperatureC();
    expect(cool.kind === "ok" ? cool.value : 100).toBeLessThan(55);
    await all.close();
  });

  test("a bouncing button makes one edge down and one edge up", async () => {
    const all = open();
    const levels: number[] = [];
    await all.gpio.watch("GPIO17", { debounceMs: 20 }, (edge) => levels.push(edge.level));
    all.world.apply({ action: "gpio.press", params: { line: "GPIO17", holdMs: 100, bounces: 5 } });
    await all.virtual.advance(500);
    expect(levels).toEqual([1, 0]);
    await all.close();
  });
});
