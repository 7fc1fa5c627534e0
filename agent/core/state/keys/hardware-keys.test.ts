import { describe, expect, test } from "vitest";
import type { DesiredDocument } from "../../../protocol/desired.ts";
import { WEEKDAYS } from "../../../protocol/schedule.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { ok } from "../../../../platform/ports/result.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../../platform/simulated/world.ts";
import { ScheduleRunner } from "../../schedule/schedule-runner.ts";
import { DesiredState } from "../desired-state.ts";
import { managedDisplays } from "../managed-display.ts";
import { ManualOverrides } from "../manual-overrides.ts";
import { FakeAlarms, FakeReporter } from "../testing/fakes.ts";
import { MemoryDocumentStore } from "../../storage/memory-document-store.ts";
import { audioKeys } from "./audio-keys.ts";
import { timeZoneKey } from "./clock-key.ts";
import { displayKeys } from "./display-keys.ts";
import { scheduleKey } from "./setting-keys.ts";

const DEVICE = "0123456789abcdef0123456789abcdef";
const HOUR = 3_600_000;
const openingHours = { timeZone: "Europe/Madrid", weekly: [{ days: [...WEEKDAYS], on: "08:00", off: "20:00" }] };

/** The reconcile loop over the simulated machine: TV on CEC, audio, clock. */
async function setUp(options: { withoutHardware?: boolean; wall?: string } = {}) {
  const time = new VirtualTime({ wallMs: Date.parse(options.wall ?? "2026-01-05T10:00Z") });
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("keys") });
  const adapter = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => undefined });
  const displays = options.withoutHardware === true ? [] : (adapter.displays ?? []);
  const clock = world.deviceClock();
  const reporter = new FakeReporter();
  const alarms = new FakeAlarms();
  const store = new MemoryDocumentStore();
  const late: { desired?: DesiredState } = {};
  const schedule = new ScheduleRunner({ schedule: () => late.desired?.document()?.schedule, clockControl: adapter.clock, reporter, clock, timers: time, log: silentLog });
  const overrides = await ManualOverrides.load({ store, clock, log: silentLog });
  const state = await DesiredState.load({
    deviceId: DEVICE,
    verify: (signed) => Promise.resolve(ok(signed.payload)),
    store,
    overrides,
    reporter,
    alarms,
    handlers: [
      ...displayKeys(managedDisplays(displays, { clock, timers: time, log: silentLog }), schedule.says),
      ...audioKeys(options.withoutHardware === true ? undefined : adapter.audio),
      timeZoneKey(adapter.clock),
      scheduleKey(clock, schedule, schedule.says),
    ],
    clock,
    timers: time,
    random: new SeededRandom("retries"),
    log: silentLog,
  });
  late.desired = state;
  schedule.onChange(() => state.poke("display.power"));
  const stop = new AbortController();
  const running = Promise.all([schedule.run(stop.signal), state.run(stop.signal)]);
  let version = 0;
  const want = async (document: DesiredDocument): Promise<void> => {
    version += 1;
    const accepted = await state.accept({ payload: JSON.stringify({ device: DEVICE, version, issuedMs: 0, document }), key: DEVICE, signature: "" });
    expect(accepted.ok).toBe(true);
  };
  const key = (name: string) => reporter.document.desired?.keys[name];
  // After the clock's first synchronisation.
  await time.advance(40_000);
  return { time, world, state, reporter, alarms, want, key, stop, running };
}

describe("desired state on a TV that behaves", () => {
  test("every display and audio key is applied and observed", async () => {
    const { time, world, want, key } = await setUp();
    await want({ display: { power: "on", input: "hdmi-2", brightness: 40, volume: 20, mute: true, orientation: 90 }, audio: { volume: 33, mute: true } });
    await time.advance(60_000);
    for (const name of ["display.power", "display.input", "display.brightness", "display.mute", "display.orientation", "audio.volume", "audio.mute"]) {
      expect([name, key(name)?.status]).toEqual([name, "applied"]);
    }
    expect(world.state.display).toMatchObject({ power: "on", input: "hdmi-2", brightness: 40, mute: true, orientation: 90 });
    expect(world.state.audio).toEqual({ volume: 33, mute: true });
  });

  test("the machine's time zone is set, and set again when somebody changed it", async () => {
    const { time, world, want, key } = await setUp();
    await want({ clock: { timeZone: "Asia/Tokyo" } });
    await time.advance(30_000);
    expect([world.state.clock.zone, key("clock.timeZone")]).toEqual(["Asia/Tokyo", { status: "applied", observed: "Asia/Tokyo" }]);
    world.update({ clock: { ...world.state.clock, zone: "UTC" } });
    await time.advance(120_000);
    expect([world.state.clock.zone, key("clock.timeZone")]).toEqual(["Asia/Tokyo", { status: "applied", observed: "Asia/Tokyo", drifts: 1 }]);
  });

  test.each([
    ["display.brightness", (percent: number) => ({ display: { brightness: percent } }), (world: SimulatedWorld) => world.state.display.brightness],
    ["display.volume", (percent: number) => ({ display: { volume: percent } }), (world: SimulatedWorld) => world.state.display.volume],
    ["audio.volume", (percent: number) => ({ audio: { volume: percent } }), (world: SimulatedWorld) => world.state.audio.volume],
  ] as const)("%s: a wanted value is applied even if it differs by only 1 from the last one", async (name, document, seenIn) => {
    const { time, world, want, key } = await setUp();
    // Starts one step away from the hardware's initial value.
    for (const percent of [seenIn(world) + 1, 40, 41, 39, 2, 0, 1]) {
      await want(document(percent));
      await time.advance(30_000);
      expect([percent, seenIn(world), key(name)]).toEqual([percent, percent, { status: "applied", observed: percent }]);
    }
  });

  test("a level moved by one step is left alone, but not from 0 to audible", async () => {
    const { time, world, want, key } = await setUp();
    await want({ audio: { volume: 40 } });
    await time.advance(30_000);
    world.update({ audio: { ...world.state.audio, volume: 41 } });
    await time.advance(120_000);
    expect([world.state.audio.volume, key("audio.volume")]).toEqual([41, { status: "applied", observed: 41 }]);
    await want({ audio: { volume: 0 } });
    await time.advance(30_000);
    world.update({ audio: { ...world.state.audio, volume: 1 } });
    await time.advance(120_000);
    expect([world.state.audio.volume, key("audio.volume")]).toEqual([0, { status: "applied", observed: 0, drifts: 1 }]);
  });

  test("opening hours switch the display by local time, and a change by remote control is corrected", async () => {
    const { time, world, want, key } = await setUp();
    await want({ display: { power: "schedule" }, schedule: openingHours });
    await time.advance(60_000);
    expect(key("schedule")).toMatchObject({ status: "applied" });
    expect(world.state.display.power).toBe("on");
    // 20:00 in Madrid is 19:00 UTC in winter.
    await time.advance(Date.parse("2026-01-05T19:00:10Z") - time.wallMs());
    expect(world.state.display.power).toBe("standby");
    await time.advance(Date.parse("2026-01-06T07:00:20Z") - time.wallMs());
    expect([world.state.display.power, key("display.power")]).toEqual(["on", { status: "applied", observed: "on" }]);
    world.turnDisplay(false);
    await time.advance(90_000);
    expect([world.state.display.power, key("display.power")?.drifts]).toEqual(["on", 1]);
  });

  test("a command holds until the next edge of the schedule", async () => {
    const { time, world, want, key, state } = await setUp();
    await want({ display: { power: "schedule" }, schedule: openingHours });
    await time.advance(60_000);
    world.turnDisplay(false);
    await state.noteByHand("display.power", "standby");
    await time.advance(Date.parse("2026-01-05T18:59Z") - time.wallMs());
    expect([world.state.display.power, key("display.power")?.error?.code]).toEqual(["standby", "desired.overridden"]);
    await time.advance(Date.parse("2026-01-06T07:01Z") - time.wallMs());
    expect([world.state.display.power, key("display.power")?.status]).toEqual(["on", "applied"]);
  });

  test("a schedule that nothing follows is applied, with a remark", async () => {
    const { time, want, key, world } = await setUp();
    await want({ schedule: openingHours });
    await time.advance(12 * HOUR);
    expect(key("schedule")).toMatchObject({ status: "applied", error: { code: "schedule.not-followed" } });
    expect(world.state.display.power).toBe("on");
  });
});

describe("desired state on a TV that misbehaves", () => {
  test("deaf: fails with an alarm and is retried until it obeys again", async () => {
    const { time, world, want, key, alarms } = await setUp();
    world.setMood("deaf");
    await want({ display: { power: "standby" } });
    await time.advance(HOUR);
    expect(["failed", "pending"]).toContain(key("display.power")?.status);
    expect(alarms.raised.has("desired.not-kept.display.power")).toBe(true);
    expect(world.state.display.power).toBe("on");
    world.setMood("normal");
    await time.advance(20 * 60_000);
    expect([world.state.display.power, key("display.power")?.status]).toEqual(["standby", "applied"]);
    expect(alarms.raised.size).toBe(0);
  });

  test("lying: it acknowledges but stays on, which is reported as failed", async () => {
    const { time, world, want, key } = await setUp();
    world.setMood("lying");
    await want({ display: { power: "standby" } });
    await time.advance(10 * 60_000);
    expect([world.state.display.power, key("display.power")]).toMatchObject(["on", { status: "failed", observed: "on" }]);
  });

  test("unplugging is not drift; once plugged in again the key is applied", async () => {
    const { time, world, want, key, state } = await setUp();
    await want({ display: { power: "on" } });
    await time.advance(60_000);
    world.plug("HDMI-A-1", false);
    state.hardwareChanged("display");
    await time.advance(5 * 60_000);
    expect([key("display.power")?.status === "applied", key("display.power")?.drifts]).toEqual([false, undefined]);
    world.plug("HDMI-A-1", true);
    state.hardwareChanged("display");
    await time.advance(2 * 60_000);
    expect(key("display.power")).toEqual({ status: "applied", observed: "on" });
  });

  test("a value it does not support is refused with the choices", async () => {
    const { time, want, key } = await setUp();
    await want({ display: { input: "scart" } });
    await time.advance(1_000);
    expect(key("display.input")).toMatchObject({ status: "refused", error: { code: "display.no-such-input" } });
    expect(key("display.input")?.error?.hint).toBe("It has tuner, hdmi-1, hdmi-2.");
  });

  test("without hardware every key is unsupported", async () => {
    const { time, want, key } = await setUp({ withoutHardware: true });
    await want({ display: { power: "on", brightness: 10 }, audio: { volume: 1 } });
    await time.advance(1_000);
    expect(["display.power", "display.brightness", "audio.volume"].map((name) => key(name)?.status)).toEqual(["unsupported", "unsupported", "unsupported"]);
  });
});

describe("desired state while the clock is unset", () => {
  test("the screen stays as it is, with the reason; once the clock is set the schedule applies", async () => {
    const { time, world, want, key } = await setUp();
    world.update({ clock: { ...world.state.clock, quality: "unset", sync: "never", offsetMs: -time.wallMs() } });
    await time.advance(60_000);
    await want({ display: { power: "schedule" }, schedule: { timeZone: "Etc/UTC", weekly: [] } });
    await time.advance(HOUR);
    expect([world.state.display.power, key("display.power")]).toMatchObject(["on", { status: "pending", error: { code: "schedule.clock-unset" } }]);
    world.update({ clock: { ...world.state.clock, quality: "synced", offsetMs: 0 } });
    await time.advance(90_000);
    expect([world.state.display.power, key("display.power")?.status]).toEqual(["standby", "applied"]);
  });

  test("an unknown time zone refuses the schedule and the power that follows it, and nothing else", async () => {
    const { time, want, key } = await setUp();
    await want({ display: { power: "schedule", brightness: 50 }, schedule: { ...openingHours, timeZone: "Mars/Olympus" } });
    await time.advance(30_000);
    expect([key("schedule")?.error?.code, key("display.power")?.error?.code, key("display.brightness")?.status]).toEqual(["schedule.unknown-time-zone", "schedule.unknown-time-zone", "applied"]);
  });
});
