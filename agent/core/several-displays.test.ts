import { describe, expect, test } from "vitest";
import { attachDisplays } from "../../platform/displays/attach-displays.ts";
import { nodeCrypto } from "../../platform/linux/node-crypto.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { ok } from "../../platform/ports/result.ts";
import { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../platform/simulated/simulated-adapter.ts";
import { simulatedDrivers } from "../../platform/simulated/simulated-drivers.ts";
import { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../platform/simulated/world.ts";
import type { DesiredDocument } from "../protocol/desired.ts";
import { buildProfile } from "./commands/capabilities.ts";
import { displayExecutors } from "./commands/executors/display-executors.ts";
import { resolveExecutor, runExecutor } from "./commands/testing/run-executor.ts";
import { TestDevice } from "./commands/testing/test-device.ts";
import { MemoryDocumentStore } from "./storage/memory-document-store.ts";
import { DesiredState } from "./state/desired-state.ts";
import { HardwareReporter } from "./state/hardware-reporter.ts";
import { displayKeys } from "./state/keys/display-keys.ts";
import { managedDisplays, onTheScreen } from "./state/managed-display.ts";
import { ManualOverrides } from "./state/manual-overrides.ts";
import { FakeAlarms, FakeReporter } from "./state/testing/fakes.ts";

const DEVICE = "0123456789abcdef0123456789abcdef";
const LOBBY_AND_MENU = "name=lobby,driver=cec,output=HDMI-A-1;name=menu,driver=simulated,output=HDMI-A-2";

/** A device whose main display is the simulated TV, and the second one an obedient display. */
async function setUp(text = LOBBY_AND_MENU, time = new VirtualTime()) {
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("several") });
  const adapter = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => undefined });
  const { cec, outputs } = adapter;
  if (cec === undefined || outputs === undefined) throw new Error("the simulated machine has every port");
  const { displays: attached } = await attachDisplays(text, { clock: time, timers: time, cec, outputs, drivers: simulatedDrivers(world) });
  const displays = managedDisplays(attached, { clock: time, timers: time, log: silentLog });
  const [lobby, menu] = displays;
  if (lobby === undefined || menu === undefined) throw new Error("both are configured");
  const executors = displayExecutors(displays, { clock: time, timers: time });
  return { time, world, adapter: { ...adapter, displays: attached }, displays, lobby, menu, executors };
}

describe("a command on a device with several displays", () => {
  test("goes to the main display, or to the one it names", async () => {
    const { executors, time, world, menu } = await setUp();
    const power = executors["display.power"];
    expect((await runExecutor(power, { on: false }, time)).execution).toMatchObject({ state: "succeeded" });
    expect([world.state.display.power, (await menu.display.status()).power]).toMatchObject(["standby", { value: "on" }]);
    expect((await runExecutor(power, { on: true, display: "lobby" }, time)).execution).toMatchObject({ state: "succeeded" });
    expect((await runExecutor(power, { on: false, display: "menu" }, time)).execution).toMatchObject({ state: "succeeded", result: { power: "standby" } });
    expect([world.state.display.power, (await menu.display.status()).power]).toMatchObject(["on", { value: "standby" }]);
    expect(await resolveExecutor(power, { on: false, display: "menu" }, time)).toMatchObject({ state: "succeeded" });
  });

  test("is rejected for an unknown display, with a hint listing the names", async () => {
    const { executors, time } = await setUp();
    for (const display of ["kitchen", "constructor"]) {
      const { execution } = await runExecutor(executors["display.power"], { on: false, display }, time);
      expect(execution).toMatchObject({ state: "rejected", error: { code: "display.no-such-display", hint: "It has lobby, menu." } });
    }
    expect(await resolveExecutor(executors["display.power"], { on: false, display: "kitchen" }, time)).toMatchObject({ state: "unknown" });
  });

  test("is rejected for a display with an invalid configuration, while the others obey", async () => {
    const { executors, time } = await setUp("name=lobby,driver=smoke-signals;name=menu,driver=simulated");
    const brightness = executors["display.brightness"];
    expect((await runExecutor(brightness, { percent: 10 }, time)).execution).toMatchObject({ state: "rejected", error: { code: "display.unsupported", message: "lobby: this display's brightness cannot be set" } });
    expect((await runExecutor(brightness, { percent: 10, display: "menu" }, time)).execution).toMatchObject({ state: "succeeded" });
  });

  test("does not wait for a command to another display", async () => {
    const device = new TestDevice(() => executors);
    const { world, executors } = await setUp(LOBBY_AND_MENU, device.time);
    await device.start();
    world.setMood("lying");
    const command = (id: string, params: object): void => device.deliver(device.signedCommand({ id, name: "display.power", params: { ...params } }));
    command("lobby-1", { on: false });
    command("lobby-2", { on: false, display: "lobby" });
    command("menu-1", { on: false, display: "menu" });
    await device.time.advance(1_000);
    expect(["lobby-1", "lobby-2", "menu-1"].map((id) => device.outcomeOf(id)?.state)).toEqual([undefined, undefined, "succeeded"]);
    await device.time.advance(60_000);
    expect(["lobby-1", "lobby-2"].map((id) => device.outcomeOf(id)?.error?.code)).toEqual(["display.effect-not-observed", "display.effect-not-observed"]);
  });

  test("overrides the desired key of its display", async () => {
    const { executors } = await setUp();
    const power = executors["display.power"];
    expect([{ on: true }, { on: true, display: "lobby" }, { on: false, display: "menu" }, { on: true, display: "kitchen" }].map((params) => power?.sets?.(params))).toEqual([
      ["display.power", "on"],
      ["display.power", "on"],
      ["displays.menu.power", "standby"],
      undefined,
    ]);
  });

  test("has its display names and possible values in the profile", async () => {
    const { adapter, executors } = await setUp();
    const { choices, evidence } = await buildProfile(adapter, await adapter.probe.inventory(), executors, nodeCrypto);
    const display = ["lobby", "menu"];
    expect(choices).toEqual({
      "display.power": { display },
      "display.input": { input: ["tuner", "hdmi-1", "hdmi-2"], display },
      "display.brightness": { display },
      "display.orientation": { degrees: [0, 90, 180, 270], display },
      // Its choices change with what is connected, so they are reported and no part of the profile.
      "display.mode": { display },
    });
    expect(evidence).toContain("menu: display power is observed by: panel");
  });
});

describe("desired and reported state of a device with several displays", () => {
  async function running() {
    const all = await setUp();
    const { time, displays, adapter } = all;
    const reporter = new FakeReporter();
    const store = new MemoryDocumentStore();
    const overrides = await ManualOverrides.load({ store, clock: time, log: silentLog });
    const state = await DesiredState.load({
      deviceId: DEVICE, verify: (signed) => Promise.resolve(ok(signed.payload)), store, overrides, reporter, alarms: new FakeAlarms(),
      handlers: displayKeys(displays, () => ({ kind: "no-opinion", why: { code: "schedule.missing", message: "no schedule" } })),
      clock: time, timers: time, random: new SeededRandom("retries"), log: silentLog,
    });
    const hardware = new HardwareReporter({
      platform: { network: adapter.network, clock: adapter.clock, power: adapter.power, probe: adapter.probe }, displays, reporter, outbox: { status: () => ({ usage: { bytes: 0, bytesMax: 1e9 }, counters: { dropped: {} } }) as never },
      clock: time, timers: time, random: new SeededRandom("jitter"), log: silentLog,
    });
    const stop = new AbortController();
    const ended = Promise.all([state.run(stop.signal), hardware.run(stop.signal)]);
    let version = 0;
    const want = async (document: DesiredDocument): Promise<void> => {
      version += 1;
      expect(await state.accept({ payload: JSON.stringify({ device: DEVICE, version, issuedMs: 0, document }), key: DEVICE, signature: "" })).toMatchObject({ ok: true });
    };
    return { ...all, reporter, state, want, end: () => (stop.abort(), ended) };
  }

  test("each display follows its own part, and one that does not answer does not delay the others", async () => {
    const { time, world, want, reporter, end } = await running();
    world.setMood("deaf");
    await want({ display: { power: "standby" }, displays: { menu: { power: "standby", brightness: 12, input: "hdmi-2" }, kitchen: { power: "on" } } });
    await time.advance(20_000);
    const keys = reporter.document.desired?.keys;
    expect(keys?.["display.power"]?.status).not.toBe("applied");
    expect(["displays.menu.power", "displays.menu.brightness", "displays.menu.input"].map((key) => keys?.[key])).toEqual([
      { status: "applied", observed: "standby" },
      { status: "applied", observed: 12 },
      { status: "applied", observed: "hdmi-2" },
    ]);
    expect(keys?.["displays.kitchen.power"]).toMatchObject({ status: "unsupported" });
    await end();
  });

  test("the main display is reported under its usual key, the others by name", async () => {
    const { time, reporter, menu, end } = await running();
    await time.advance(5_000);
    expect(reporter.document.display).toMatchObject({ power: { kind: "ok", value: "on" }, input: { value: "hdmi-1" } });
    expect(reporter.document.displays).toMatchObject({ menu: { power: { kind: "ok", value: "on" }, mute: { value: false } } });
    await menu.display.set("mute", true);
    await time.advance(2_000);
    expect(reporter.document.displays).toMatchObject({ menu: { mute: { value: true } } });
    await end();
  });

  test("a command to one display overrides only that display's key", async () => {
    const { time, want, state, menu, reporter, end } = await running();
    await want({ display: { mute: false }, displays: { menu: { mute: false } } });
    await time.advance(10_000);
    await state.noteByHand("displays.menu.mute", true);
    await menu.display.set("mute", true);
    await time.advance(120_000);
    expect((await menu.display.status()).mute).toMatchObject({ value: true });
    expect([reporter.document.desired?.keys["displays.menu.mute"]?.error?.code, reporter.document.desired?.keys["display.mute"]?.status]).toEqual(["desired.overridden", "applied"]);
    await end();
  });
});

test("the displays with an output show the screen; if none has one, the main display does", async () => {
  expect(onTheScreen((await setUp()).displays).map(({ name }) => name)).toEqual(["lobby", "menu"]);
  expect(onTheScreen((await setUp("name=lobby,driver=cec,output=HDMI-A-1;name=yard,driver=simulated")).displays).map(({ name }) => name)).toEqual(["lobby"]);
  expect(onTheScreen((await setUp("name=lobby,driver=cec;name=yard,driver=simulated")).displays).map(({ name }) => name)).toEqual(["lobby"]);
});
