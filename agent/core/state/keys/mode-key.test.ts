import { describe, expect, test } from "vitest";
import type { DesiredDocument } from "../../../protocol/desired.ts";
import { OutputDriver } from "../../../../platform/displays/output/output-driver.ts";
import { ObservedDisplay } from "../../../../platform/displays/observed-display.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import type { OutputMode } from "../../../../platform/ports/outputs.ts";
import { ok } from "../../../../platform/ports/result.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { SimulatedCompositor, type SimulatedCompositorOutput } from "../../../../platform/simulated/simulated-compositor.ts";
import { FULL_HD, TV_MODES } from "../../../../platform/simulated/tv-modes.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import { MemoryDocumentStore } from "../../storage/memory-document-store.ts";
import { DesiredState } from "../desired-state.ts";
import { managedDisplays } from "../managed-display.ts";
import { ManualOverrides } from "../manual-overrides.ts";
import { FakeAlarms, FakeReporter } from "../testing/fakes.ts";
import { displayKeys } from "./display-keys.ts";

const DEVICE = "0123456789abcdef0123456789abcdef";
const MINUTE_MS = 60_000;
const UHD: OutputMode = { width: 3_840, height: 2_160, refreshHz: 30 };

/** The first correction comes at once, twelve doubling waits from 5 s on take 6 h, then one set follows every 6 h; jitter adds some. */
const SETS_PER_DAY_MAX = 20;

/** What a test does to the TV after each set. */
interface Tv {
  readonly in: (delayMs: number, then: () => void) => void;
  readonly unplug: () => void;
  readonly hotPlug: (modes: readonly OutputMode[]) => void;
  readonly fallBack: () => void;
  readonly output: () => SimulatedCompositorOutput | undefined;
}

/** The reconcile loop over an output whose compositor is simulated. */
async function setUp() {
  const time = new VirtualTime();
  const compositor = new SimulatedCompositor(time);
  /** Every mode that was set, by the minute. */
  const set: number[] = [];
  const world = { afterSet: (): void => {} };
  const setMode = compositor.setMode.bind(compositor);
  compositor.setMode = (name, mode) => {
    set.push(time.monotonicMs());
    const done = setMode(name, mode);
    world.afterSet();
    return done;
  };
  const display = new ObservedDisplay(new OutputDriver(compositor, "HDMI-A-1"), { clock: time, timers: time });
  const displays = managedDisplays([{ name: "main", driver: "output", display }], { clock: time, timers: time, log: silentLog });
  const reporter = new FakeReporter();
  const alarms = new FakeAlarms();
  const store = new MemoryDocumentStore();
  const state = await DesiredState.load({
    deviceId: DEVICE,
    verify: (signed) => Promise.resolve(ok(signed.payload)),
    store,
    overrides: await ManualOverrides.load({ store, clock: time, log: silentLog }),
    reporter,
    alarms,
    handlers: displayKeys(displays, () => ({ kind: "on" }) as never),
    clock: time,
    timers: time,
    random: new SeededRandom("mode"),
    log: silentLog,
  });
  const stop = new AbortController();
  const running = state.run(stop.signal);
  let version = 0;
  return {
    time, compositor, alarms, set, world, display,
    output: () => compositor.outputsByName.get("HDMI-A-1"),
    key: (name = "display.mode") => reporter.document.desired?.keys[name],
    want: async (document: DesiredDocument): Promise<void> => {
      version += 1;
      expect((await state.accept({ payload: JSON.stringify({ device: DEVICE, version, issuedMs: 0, document }), key: DEVICE, signature: "" })).ok).toBe(true);
      await time.advance(10_000);
    },
    /** As the kernel's news of a cable reaches the agent. */
    hotPlug: (modes: readonly OutputMode[]): void => {
      compositor.plug("HDMI-A-1", modes);
      displays[0]?.status.invalidate();
      state.hardwareChanged("display");
    },
    end: async (): Promise<void> => {
      stop.abort();
      await running;
    },
  };
}

describe("a desired video mode", () => {
  test("is set together with the orientation, and each stays when the other changes", async () => {
    const { want, output, key, end } = await setUp();
    await want({ display: { mode: "3840x2160", orientation: 90 } });
    expect(output()).toMatchObject({ mode: UHD, orientation: 90 });
    expect([key(), key("display.orientation")]).toEqual([{ status: "applied", observed: "3840x2160@30" }, { status: "applied", observed: 90 }]);
    await want({ display: { mode: "1280x720@50", orientation: 90 } });
    await want({ display: { mode: "1280x720@50", orientation: 180 } });
    expect(output()).toMatchObject({ mode: { width: 1_280, refreshHz: 50 }, orientation: 180 });
    await end();
  });

  test("is set once and then left alone where the output has only the neighbouring rate", async () => {
    const { compositor, time, want, set, key, end } = await setUp();
    compositor.plug("HDMI-A-1", [UHD, { ...FULL_HD, refreshHz: 59.94 }]);
    await want({ display: { mode: "1920x1080@60" } });
    await time.advance(60 * MINUTE_MS);
    expect([set.length, key()]).toEqual([1, { status: "applied", observed: "1920x1080@59.94" }]);
    await end();
  });

  test("is set again on the TV that comes back with another one", async () => {
    const { time, want, hotPlug, output, key, end } = await setUp();
    await want({ display: { mode: "3840x2160@30" } });
    hotPlug(TV_MODES);
    expect(output()?.mode).toEqual(FULL_HD);
    await time.advance(10_000);
    expect([output()?.mode, key()]).toEqual([UHD, { status: "applied", observed: "3840x2160@30", drifts: 1 }]);
    await end();
  });

  test("that another TV lacks is refused with that TV's modes and not set, until a TV has it again", async () => {
    const { time, want, hotPlug, set, key, alarms, end } = await setUp();
    await want({ display: { mode: "3840x2160@30" } });
    hotPlug([FULL_HD, { ...FULL_HD, refreshHz: 50 }]);
    await time.advance(24 * 60 * MINUTE_MS);
    expect(key()).toEqual({ status: "refused", error: { code: "display.no-such-mode", message: "this display has no mode 3840x2160@30", hint: "It has 1920x1080@60, 1920x1080@50." }, observed: "1920x1080@60" });
    expect([set.length, alarms.raised.size]).toEqual([1, 0]);
    hotPlug(TV_MODES);
    await time.advance(10_000);
    expect([set.length, key()?.status]).toEqual([2, "applied"]);
    await end();
  });

  test("that an output falls back from is set less and less often, and an alarm says so", async () => {
    const { time, world, output, want, set, key, alarms, end } = await setUp();
    world.afterSet = () => void time.after("fall back", 20_000, () => Object.assign(output() ?? {}, { mode: FULL_HD }));
    await want({ display: { mode: "3840x2160@30" } });
    await time.advance(24 * 60 * MINUTE_MS);
    expect(set.length).toBeLessThanOrEqual(SETS_PER_DAY_MAX);
    expect([...alarms.raised.keys()]).toEqual(["desired.not-kept.display.mode"]);
    expect(key()).toMatchObject({ status: "pending", error: { code: "desired.drifts" }, drifts: set.length });
    await end();
  });

  test.each([["at once", 0], ["after seconds", 3_000]])("that makes the TV leave the cable %s and come back, twice each time, is not set at each return", async (_how, delayMs) => {
    const { time, compositor, world, want, hotPlug, set, alarms, end } = await setUp();
    const leave = (): void => {
      compositor.unplug("HDMI-A-1");
      for (const returnMs of [2_000, 14_000]) time.after("return", returnMs, () => hotPlug(TV_MODES));
    };
    world.afterSet = delayMs === 0 ? leave : () => void time.after("leave", delayMs, leave);
    await want({ display: { mode: "3840x2160@30" } });
    await time.advance(24 * 60 * MINUTE_MS);
    expect(set.length).toBeLessThanOrEqual(SETS_PER_DAY_MAX);
    expect([...alarms.raised.keys()]).toEqual(["desired.not-kept.display.mode"]);
    await end();
  });

  test.each<[string, (tv: Tv) => void]>([
    ["leaves the cable and comes back twice, at first with half its modes", ({ in: after, unplug, hotPlug }) => {
      unplug();
      after(2_000, () => hotPlug([FULL_HD]));
      after(14_000, () => hotPlug(TV_MODES));
    }],
    ["leaves the cable and comes back twice, the second time after more than a minute", ({ in: after, unplug, hotPlug }) => {
      unplug();
      for (const returnMs of [2_000, 70_000]) after(returnMs, () => hotPlug(TV_MODES));
    }],
    ["comes back an hour later", ({ in: after, hotPlug }) => after(60 * MINUTE_MS, () => hotPlug(TV_MODES))],
    ["falls back after six minutes", ({ in: after, fallBack }) => after(6 * MINUTE_MS, fallBack)],
    ["falls back after an hour", ({ in: after, fallBack }) => after(60 * MINUTE_MS, fallBack)],
    ["shows no mode for two seconds and then falls back", ({ in: after, output, fallBack }) => {
      Object.assign(output() ?? {}, { enabled: false });
      after(2_000, () => {
        Object.assign(output() ?? {}, { enabled: true });
        fallBack();
      });
    }],
    ["is disabled for two seconds and then comes back", ({ in: after, output, hotPlug }) => {
      Object.assign(output() ?? {}, { enabled: false });
      after(2_000, () => hotPlug(TV_MODES));
    }],
  ])("that makes the TV do this each time is set less and less often, and an alarm says so: it %s", async (_how, misbehave) => {
    const { time, compositor, world, output, want, hotPlug, set, alarms, end } = await setUp();
    world.afterSet = () => misbehave({
      in: (delayMs, then) => void time.after("misbehave", delayMs, then),
      unplug: () => compositor.unplug("HDMI-A-1"),
      fallBack: () => void Object.assign(output() ?? {}, { mode: FULL_HD }),
      output, hotPlug,
    });
    await want({ display: { mode: "3840x2160@30" } });
    await time.advance(24 * 60 * MINUTE_MS);
    expect(set.length).toBeLessThanOrEqual(SETS_PER_DAY_MAX);
    expect([...alarms.raised.keys()]).toEqual(["desired.not-kept.display.mode"]);
    await end();
  });

  test("is not set while the compositor is gone, and known modes of before refuse nothing then", async () => {
    const { time, compositor, want, set, key, end } = await setUp();
    compositor.mood = "gone";
    await want({ display: { mode: "1024x768@60" } });
    expect(key()).toMatchObject({ status: "failed", error: { code: "compositor.gone" } });
    compositor.mood = "normal";
    await time.advance(2 * MINUTE_MS);
    expect([set.length, key()]).toMatchObject([0, { status: "refused", error: { code: "display.no-such-mode" } }]);
    await end();
  });
});
