import { beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../../../platform/ports/log.ts";
import { nodeCrypto } from "../../../../platform/linux/node-crypto.ts";
import type { Audio } from "../../../../platform/ports/audio.ts";
import type { Display } from "../../../../platform/ports/display.ts";
import { seen, UNSUPPORTED, unknown, type Effect } from "../../../../platform/ports/reading.ts";
import { fail, ok } from "../../../../platform/ports/result.ts";
import type { PlatformAdapter } from "../../../../platform/ports/platform-adapter.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../../platform/simulated/world.ts";
import { buildProfile } from "../capabilities.ts";
import { buildExecutorTable, type ExecutorTableDeps } from "../executor-table.ts";
import type { CommandExecutor, ExecutorTable } from "../executor.ts";
import { resolveExecutor, runExecutor } from "../testing/run-executor.ts";
import { managedDisplays } from "../../state/managed-display.ts";
import { displayExecutor, type CommandedDisplay } from "./display-executors.ts";

let time: VirtualTime;
let world: SimulatedWorld;
let adapter: PlatformAdapter;
let table: ExecutorTable;
let gone: string[];

function tableFor(over: PlatformAdapter): ExecutorTable {
  const deps: ExecutorTableDeps = {
    adapter: over,
    displays: managedDisplays(over.displays ?? [], { clock: time, timers: time, log: silentLog }),
    uploader: { upload: () => Promise.resolve(fail("link.offline", "offline")) },
    logs: { collect: () => Promise.resolve(fail("logs.unreadable", "none")) },
    telemetry: { start: () => ({ untilMs: 0 }) },
    overrides: { keys: () => [], end: () => Promise.resolve([]) },
    diagnostics: { run: () => Promise.resolve([]) },
    clock: time,
    timers: time,
    label: () => "Lobby",
  };
  return buildExecutorTable(deps);
}

beforeEach(() => {
  time = new VirtualTime();
  gone = [];
  world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("hardware") });
  adapter = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: (kind) => gone.push(kind) });
  table = tableFor(adapter);
});

describe("display.power on a TV that", () => {
  it("obeys: succeeds with what the TV answered", async () => {
    const { execution } = await runExecutor(table["display.power"], { on: false }, time);
    expect(execution).toMatchObject({
      state: "succeeded",
      result: { power: "standby" },
      effect: { attempted: true, acknowledged: true, observed: { kind: "ok", value: "standby" } },
    });
    expect(world.state.display.power).toBe("standby");
  });

  it("does not answer: fails and says so", async () => {
    world.setMood("deaf");
    const { execution } = await runExecutor(table["display.power"], { on: false }, time);
    expect(execution).toMatchObject({
      state: "failed",
      error: { code: "display.no-answer" },
      effect: { attempted: true, acknowledged: false },
    });
  });

  it("acknowledges without obeying: fails because the effect is not observed", async () => {
    world.setMood("lying");
    const { execution, tookMs } = await runExecutor(table["display.power"], { on: false }, time);
    expect(execution).toMatchObject({
      state: "failed",
      error: { code: "display.effect-not-observed" },
      effect: { acknowledged: true, observed: { kind: "ok", value: "on" } },
    });
    // Two ways to order it, ten seconds each, and the last look.
    expect(tookMs).toBeLessThan(31_000);
  });

  it("is slow: succeeds late", async () => {
    await runExecutor(table["display.power"], { on: false }, time);
    world.setMood("slow");
    const { execution, tookMs } = await runExecutor(table["display.power"], { on: true }, time);
    expect(execution).toMatchObject({ state: "succeeded", result: { power: "on" } });
    expect(execution).not.toHaveProperty("effect.error");
    expect(tookMs).toBeGreaterThan(8_000);
  });

  it("takes longer than its driver waits: the command keeps observing", async () => {
    await runExecutor(table["display.power"], { on: false }, time);
    world.updateDisplay({ warmUpMs: 30_000 });
    const { execution, tookMs, steps } = await runExecutor(table["display.power"], { on: true }, time);
    expect(execution).toMatchObject({ state: "succeeded", result: { power: "on" } });
    expect(tookMs).toBeGreaterThan(29_000);
    expect(steps).toContain("turning-on");
  });

  it("never reaches the state: fails with the last observation, before its time-out", async () => {
    await runExecutor(table["display.power"], { on: false }, time);
    world.updateDisplay({ warmUpMs: 119_000 });
    const { execution, tookMs } = await runExecutor(table["display.power"], { on: true }, time);
    expect(execution).toMatchObject({
      state: "failed",
      error: { code: "display.effect-not-observed" },
      effect: { observed: { value: "turning-on" } },
    });
    expect(tookMs).toBeLessThan(55_000);
  });

  it("is changing when the command is aborted: reports the last observation", async () => {
    await runExecutor(table["display.power"], { on: false }, time);
    world.updateDisplay({ warmUpMs: 119_000 });
    const { execution, tookMs } = await runExecutor(table["display.power"], { on: true }, time, 20_000);
    expect(execution).toMatchObject({ state: "failed", effect: { observed: { value: "turning-on" } } });
    expect(tookMs).toBeLessThan(21_500);
  });

  it("is unplugged: fails", async () => {
    world.setMood("unplugged");
    const { execution } = await runExecutor(table["display.power"], { on: true }, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "cec.unplugged" }, effect: { attempted: false } });
  });

  it("obeyed while the agent was down: resolved by an observation", async () => {
    expect(await resolveExecutor(table["display.power"], { on: true }, time)).toMatchObject({ state: "succeeded", result: { power: "on" } });
    expect(await resolveExecutor(table["display.power"], { on: false }, time)).toMatchObject({
      state: "unknown",
      seen: "the display to be standby was asked for, and observed on",
      effect: { observed: { kind: "ok", value: "on" } },
    });
  });

  it("is still warming up when the agent is back: resolve waits for it", async () => {
    await runExecutor(table["display.power"], { on: false }, time);
    world.updateDisplay({ warmUpMs: 30_000 });
    const told = adapter.displays?.[0]?.display.set("power", "on");
    expect(await resolveExecutor(table["display.power"], { on: true }, time)).toMatchObject({ state: "succeeded", result: { power: "on" } });
    await told;
  });
});

describe("after a crash the hardware is observed and not changed:", () => {
  const before = () => JSON.stringify(world.state);

  it.each([
    ["display.input", { input: "hdmi-2" }],
    ["display.brightness", { percent: 35 }],
    ["display.orientation", { degrees: 90 }],
    ["display.mode", { mode: "3840x2160@30" }],
    ["audio.volume", { percent: 12 }],
    ["audio.mute", { mute: true }],
    ["gpio.write", { line: "GPIO17", level: 1 }],
  ] as const)("%s", async (name, params) => {
    const executor = table[name] as CommandExecutor;
    const untouched = before();
    expect(await resolveExecutor(executor, params, time)).toHaveProperty("state", "unknown");
    expect(before()).toBe(untouched);
    await runExecutor(executor, params, time);
    const done = before();
    expect(await resolveExecutor(executor, params, time)).toHaveProperty("state", "succeeded");
    expect(before()).toBe(done);
  });

  it.each([["display.brightness", 1], ["audio.volume", -1]] as const)("%s: a level near the wanted one proves nothing, because it may have been set before", async (name, beside) => {
    const executor = table[name] as CommandExecutor;
    await runExecutor(executor, { percent: 40 + beside }, time);
    expect(await resolveExecutor(executor, { percent: 40 }, time)).toMatchObject({ state: "unknown", effect: { observed: { kind: "ok", value: 40 + beside } } });
  });

  it("a volume of 1 is not accepted as 0", async () => {
    const deaf = tableFor({ ...adapter, audio: { ...adapter.audio, setVolume: () => Promise.resolve({ attempted: true, acknowledged: true, observed: seen(1, 0) }), volume: () => Promise.resolve(seen(1, 0)) } as unknown as Audio });
    expect((await runExecutor(deaf["audio.volume"], { percent: 0 }, time)).execution).toMatchObject({ state: "failed", error: { code: "audio.effect-not-observed" } });
    expect((await runExecutor(deaf["audio.volume"], { percent: 2 }, time)).execution).toMatchObject({ state: "succeeded", result: { percent: 1 } });
  });

  it("gpio.write: a released line proves nothing, whatever its level", async () => {
    expect(await resolveExecutor(table["gpio.write"], { line: "GPIO17", level: 0 }, time)).toEqual({ state: "unknown", seen: "GPIO17 is not driven now" });
    await runExecutor(table["gpio.write"], { line: "GPIO17", level: 1 }, time);
    expect(await resolveExecutor(table["gpio.write"], { line: 17, level: 0 }, time)).toMatchObject({ state: "unknown", seen: "17 is driven to 1 now" });
    world.boot();
    expect(await resolveExecutor(table["gpio.write"], { line: "GPIO17", level: 1 }, time)).toMatchObject({ state: "unknown" });
  });

  it("a pulse and a CEC message cannot be resolved", () => {
    for (const name of ["gpio.pulse", "cec.send"] as const) expect(Object.keys(table[name] ?? {})).toEqual(["run"]);
  });
});

describe("a display that cannot be observed", () => {
  const blind = (effect: Effect<never>): readonly CommandedDisplay[] => {
    const display = { capabilities: { settable: { power: {}, brightness: {} } }, set: () => Promise.resolve(effect) } as unknown as Display;
    return [{ name: "main", path: "display", display }];
  };

  it("succeeds when it acknowledges, and the outcome says that nothing was observed", async () => {
    const effect: Effect<never> = { attempted: true, acknowledged: true, observed: UNSUPPORTED };
    const power = await runExecutor(displayExecutor("power", blind(effect), { clock: time, timers: time }), { on: true }, time);
    expect(power.execution).toEqual({ state: "succeeded", result: { power: "unobserved" }, effect });
    const brightness = await runExecutor(
      displayExecutor("brightness", blind(effect), { clock: time, timers: time }),
      { percent: 40 },
      time,
    );
    expect(brightness.execution).toEqual({ state: "succeeded", result: { percent: 40 }, effect });
  });

  it("fails when it does not answer", async () => {
    for (const observed of [UNSUPPORTED, unknown("no answer")]) {
      const { execution } = await runExecutor(
        displayExecutor("power", blind({ attempted: true, observed }), { clock: time, timers: time }),
        { on: true },
        time,
      );
      expect(execution).toMatchObject({ state: "failed", error: { code: "display.no-answer" } });
    }
  });

  it("fails when nothing was sent", async () => {
    const nothing: Effect<never> = { attempted: false, observed: UNSUPPORTED };
    const { execution } = await runExecutor(
      displayExecutor("power", blind(nothing), { clock: time, timers: time }),
      { on: true },
      time,
    );
    expect(execution).toMatchObject({ state: "failed", error: { code: "display.not-attempted" } });
  });
});

describe("the other hardware", () => {
  it("switches the input, and rejects an unknown one with a list of choices", async () => {
    expect((await runExecutor(table["display.input"], { input: "hdmi-2" }, time)).execution).toMatchObject({
      state: "succeeded",
      result: { input: "hdmi-2" },
    });
    expect((await runExecutor(table["display.input"], { input: "vga" }, time)).execution).toMatchObject({
      state: "rejected",
      error: { code: "display.no-such-input", hint: "It has tuner, hdmi-1, hdmi-2." },
    });
  });

  it("sets the video mode, with or without a rate, and rejects one that is not offered with a list of modes", async () => {
    for (const [mode, observed] of [["3840x2160@30", "3840x2160@30"], ["1280x720", "1280x720@60"], ["1920x1080@59.94", "1920x1080@59.94"], ["1920x1080", "1920x1080@59.94"], ["1280x720@49.5", "1280x720@50"]] as const) {
      expect((await runExecutor(table["display.mode"], { mode }, time)).execution).toMatchObject({ state: "succeeded", result: { mode: observed } });
    }
    expect(world.state.outputs["HDMI-A-1"]?.mode).toEqual({ width: 1_280, height: 720, refreshHz: 50 });
    expect((await runExecutor(table["display.mode"], { mode: "1920x1080@75" }, time)).execution).toEqual({
      state: "rejected",
      error: { code: "display.no-such-mode", message: "this display has no mode 1920x1080@75", hint: "It has 1920x1080@60, 1920x1080@59.94, 1920x1080@50, 3840x2160@30, 1280x720@60, 1280x720@50." },
    });
  });

  it("sets brightness, orientation, volume and mute", async () => {
    expect((await runExecutor(table["display.brightness"], { percent: 35 }, time)).execution).toMatchObject({
      state: "succeeded",
      result: { percent: 35 },
    });
    expect((await runExecutor(table["display.orientation"], { degrees: 90 }, time)).execution).toMatchObject({
      state: "succeeded",
      result: { degrees: 90 },
    });
    expect((await runExecutor(table["audio.volume"], { percent: 12 }, time)).execution).toMatchObject({
      state: "succeeded",
      result: { percent: 12 },
    });
    expect((await runExecutor(table["audio.mute"], { mute: true }, time)).execution).toMatchObject({
      state: "succeeded",
      result: { mute: true },
    });
    expect(world.state.display).toMatchObject({ brightness: 35, orientation: 90 });
    expect(world.state.audio).toEqual({ volume: 12, mute: true });
  });

  it("drives, reads and pulses GPIO lines, and rejects wrong ones", async () => {
    const output = "GPIO17";
    expect((await runExecutor(table["gpio.write"], { line: output, level: 1 }, time)).execution).toMatchObject({
      state: "succeeded",
      result: { level: 1 },
      effect: { observed: { value: 1 } },
    });
    expect((await runExecutor(table["gpio.read"], { line: output }, time)).execution).toMatchObject({
      state: "succeeded",
      result: { level: 1 },
    });
    expect((await runExecutor(table["gpio.pulse"], { line: output, level: 0, durationMs: 200 }, time)).execution).toMatchObject({
      state: "succeeded",
      result: { measuredMs: 200 },
    });
    expect((await runExecutor(table["gpio.read"], { line: "GPIO99" }, time)).execution).toMatchObject({
      state: "rejected",
      error: { code: "gpio.no-such-line" },
    });
    world.update({ gpio: { ...world.state.gpio, mood: "broken" } });
    expect((await runExecutor(table["gpio.read"], { line: output }, time)).execution).toMatchObject({
      state: "failed",
      error: { code: "gpio.io" },
    });
  });

  it("fails a GPIO write that reads back differently", async () => {
    const stuck = {
      ...adapter,
      gpio: { ...adapter.gpio, write: () => Promise.resolve(ok(0 as const)) },
    } as unknown as PlatformAdapter;
    const { execution } = await runExecutor(tableFor(stuck)["gpio.write"], { line: "GPIO4", level: 1 }, time);
    expect(execution).toMatchObject({ state: "failed", error: { code: "gpio.effect-not-observed" } });
  });

  it("sends CEC messages and returns the reply, and fails without an acknowledgement", async () => {
    const { execution } = await runExecutor(table["cec.send"], { destination: 0, opcode: 0x8f }, time);
    expect(execution).toMatchObject({
      state: "succeeded",
      result: { acknowledged: true, reply: { opcode: 0x90, operands: [0] } },
    });
    world.setMood("deaf");
    expect((await runExecutor(table["cec.send"], { destination: 0, opcode: 0x8f }, time)).execution).toMatchObject({
      state: "failed",
      error: { code: "cec.not-acknowledged" },
    });
  });
});

describe("reboot", () => {
  const resolveWith = (note: Record<string, string>, overdue: boolean) =>
    table.reboot?.resolve?.({}, note, { overdue, signal: new AbortController().signal });

  it("journals the boot id before the request, then awaits the restart", async () => {
    const before = world.state.power.bootId;
    const { execution, notes } = await runExecutor(table.reboot, {}, time);
    expect(execution).toEqual({ state: "awaits-restart" });
    expect(notes).toEqual([{ bootIdBefore: before }]);
    await time.advance(1_000);
    expect(gone).toEqual(["reboot"]);
    expect(await resolveWith({ bootIdBefore: before }, false)).toEqual({
      state: "succeeded",
      result: { bootIdBefore: before, bootIdAfter: world.state.power.bootId },
    });
  });

  it("that did not happen fails once its time-out has passed, not before", async () => {
    world.update({ power: { ...world.state.power, mood: "ignored" } });
    const { bootId } = world.state.power;
    expect((await runExecutor(table.reboot, {}, time)).execution).toEqual({ state: "awaits-restart" });
    expect(await resolveWith({ bootIdBefore: bootId }, false)).toEqual({ state: "awaits-restart" });
    expect(await resolveWith({ bootIdBefore: bootId }, true)).toMatchObject({
      state: "failed",
      error: { code: "reboot.did-not-happen" },
    });
  });

  it("that the machine refuses fails at once; one without a note was not started", async () => {
    world.update({ power: { ...world.state.power, mood: "refused" } });
    expect((await runExecutor(table.shutdown, {}, time)).execution).toMatchObject({
      state: "failed",
      effect: { acknowledged: false },
    });
    expect(await resolveWith({}, false)).toEqual({ state: "not-started" });
  });
});

describe("what the device declares", () => {
  it("names every capability, command and choice of the simulated machine, with the same hash each time", async () => {
    const profile = await buildProfile(adapter, await adapter.probe.inventory(), table, nodeCrypto);
    expect(profile.capabilities).toEqual([
      "power.reboot",
      "power.shutdown",
      "display.power",
      "display.input",
      "display.brightness",
      "display.orientation",
      "display.mode",
      "audio.volume",
      "audio.mute",
      "gpio",
      "cec",
    ]);
    expect(profile.choices).toMatchObject({
      "display.input": { input: ["tuner", "hdmi-1", "hdmi-2"] },
      "display.orientation": { degrees: [0, 90, 180, 270] },
    });
    expect(profile.choices["gpio.write"]).toEqual(profile.choices["gpio.read"]);
    expect(JSON.stringify(profile.choices["gpio.write"])).toContain("GPIO17");
    expect(profile.hash).toMatch(/^[0-9a-f]{64}$/);
    await time.advance(5_000);
    expect((await buildProfile(adapter, await adapter.probe.inventory(), table, nodeCrypto)).hash).toBe(profile.hash);
  });

  it("has no commands for missing hardware, and a different hash", async () => {
    const { displays: _displays, gpio: _gpio, cec: _cec, audio: _audio, ...bare } = adapter;
    const profile = await buildProfile(bare, await bare.probe.inventory(), tableFor(bare), nodeCrypto);
    expect(profile.commands).toEqual(["reboot", "shutdown", "logs.collect", "telemetry.burst", "diagnostics.run", "overrides.end"]);
    expect(profile.choices).toEqual({});
    expect(profile.hash).not.toBe((await buildProfile(adapter, await adapter.probe.inventory(), table, nodeCrypto)).hash);
  });
});
