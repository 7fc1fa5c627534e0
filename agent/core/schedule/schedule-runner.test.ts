import { describe, expect, test } from "vitest";
import { WEEKDAYS, type Schedule } from "../../protocol/schedule.ts";
import type { ClockQuality } from "../../../platform/ports/clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { UNSUPPORTED } from "../../../platform/ports/reading.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { FakeReporter } from "../state/testing/fakes.ts";
import { ScheduleRunner, WATCH_MS } from "./schedule-runner.ts";

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const daily: Schedule = { timeZone: "Etc/UTC", weekly: [{ days: [...WEEKDAYS], on: "08:00", off: "20:00" }] };

function setUp(options: { quality?: ClockQuality; wall?: string; schedule?: Schedule | undefined } = {}) {
  const time = new VirtualTime({ wallMs: Date.parse(options.wall ?? "2026-01-05T00:00Z") });
  const world: { quality: ClockQuality; schedule: Schedule | undefined; asked: number } = { quality: options.quality ?? "synced", schedule: "schedule" in options ? options.schedule : daily, asked: 0 };
  const reporter = new FakeReporter();
  const runner = new ScheduleRunner({
    schedule: () => world.schedule,
    clockControl: {
      quality: () => {
        world.asked += 1;
        return Promise.resolve(world.quality);
      },
      timeZone: () => Promise.resolve(UNSUPPORTED),
    },
    reporter,
    clock: time,
    timers: time,
    log: silentLog,
  });
  const changes: string[] = [];
  runner.onChange((answer) => changes.push(`${answer?.kind ?? "none"} ${new Date(time.wallMs()).toISOString().slice(0, 16)}`));
  const stop = new AbortController();
  const running = runner.run(stop.signal);
  return { time, world, reporter, runner, changes, stop, running };
}

describe("the schedule runner", () => {
  test("reports each edge, and nothing in between", async () => {
    const { time, changes, reporter, runner, stop, running } = setUp();
    await time.advance(48 * HOUR);
    expect(changes).toEqual(["off 2026-01-05T00:00", "on 2026-01-05T08:00", "off 2026-01-05T20:00", "on 2026-01-06T08:00", "off 2026-01-06T20:00"]);
    expect(reporter.document.schedule).toEqual({ now: "off", nextMs: Date.parse("2026-01-07T08:00Z") });
    expect(runner.jumps()).toBe(0);
    stop.abort();
    await running;
    expect(time.pending()).toEqual([]);
  });

  test.each([
    ["forwards by twelve hours", 12 * HOUR, "on"],
    ["forwards by a year and twelve hours", YEAR + 12 * HOUR, "on"],
    ["backwards by a year and four hours", -YEAR - 4 * HOUR, "off"],
    ["backwards by four hours", -4 * HOUR, "off"],
  ])("a clock that jumps %s causes one change within half a minute", async (_name, byMs, after) => {
    const { time, changes, runner } = setUp({ wall: after === "on" ? "2026-01-05T00:00Z" : "2026-01-05T09:00Z" });
    await time.advance(HOUR);
    const before = changes.length;
    time.stepWall(byMs);
    await time.advance(WATCH_MS);
    expect(changes.slice(before).map((change) => change.split(" ")[0])).toEqual([after]);
    expect(runner.jumps()).toBe(1);
  });

  test("a clock that jumps for years causes neither a storm of changes nor a wrong final state", async () => {
    const { time, changes, runner } = setUp();
    for (let i = 0; i < 200; i++) {
      time.stepWall((i % 2 === 0 ? 1 : -1) * YEAR);
      await time.advance(WATCH_MS);
    }
    expect(runner.jumps()).toBe(200);
    expect(changes.length).toBeLessThanOrEqual(201);
    expect(time.pending().length).toBe(1);
  });

  test("until the clock is set there is no opinion; once it is, there is one at once", async () => {
    const { time, world, changes, reporter, runner } = setUp({ quality: "unset", wall: "1970-01-01T00:00Z" });
    await time.advance(HOUR);
    expect(changes).toEqual(["no-opinion 1970-01-01T00:00"]);
    expect(reporter.document.schedule).toEqual({ now: "none" });
    expect(runner.says(daily)).toMatchObject({ kind: "no-opinion", why: { code: "schedule.clock-unset" } });
    world.quality = "synced";
    time.stepWall(Date.parse("2026-01-05T12:00Z") - time.wallMs());
    await time.advance(WATCH_MS);
    expect(reporter.document.schedule?.now).toBe("on");
  });

  test("listeners are called when the clock's quality becomes known and on every jump", async () => {
    const { time, world, runner } = setUp({ quality: "unset" });
    const heard: string[] = [];
    runner.onClock((quality) => heard.push(quality));
    await time.advance(2 * WATCH_MS);
    expect(heard).toEqual([]);
    world.quality = "synced";
    await time.advance(2 * WATCH_MS);
    expect(heard).toEqual(["synced"]);
    time.stepWall(YEAR);
    await time.advance(2 * WATCH_MS);
    expect(heard).toEqual(["synced", "synced"]);
  });

  test("a clock that jumped does not count as synchronised until its quality is asked for again", async () => {
    const { time, runner } = setUp();
    await time.advance(2 * WATCH_MS);
    expect(runner.quality()).toBe("synced");
    time.stepWall(HOUR);
    expect(runner.quality()).toBe("local");
    await time.advance(WATCH_MS);
    expect(runner.quality()).toBe("synced");
  });

  test("the quality of a synchronised clock is asked for every five minutes, not at every check", async () => {
    const { time, world } = setUp();
    await time.advance(6 * HOUR);
    expect(world.asked).toBeLessThan(6 * 12 + 3);
  });

  test("without a schedule it reports none; a new one takes effect at once", async () => {
    const { time, world, reporter, runner } = setUp({ schedule: undefined, wall: "2026-01-05T12:00Z" });
    await time.advance(1_000);
    expect(reporter.document.schedule).toEqual({ now: "none" });
    world.schedule = daily;
    await runner.set(daily);
    expect(reporter.document.schedule?.now).toBe("on");
    expect(runner.current()).toBe(daily);
    world.schedule = undefined;
    runner.poke();
    await time.advance(1);
    expect([reporter.document.schedule?.now, runner.current()]).toEqual(["none", undefined]);
  });

  test("an unknown time zone is refused", () => {
    const { runner } = setUp();
    expect(runner.says({ ...daily, timeZone: "Mars/Olympus" })).toMatchObject({ kind: "refused", error: { code: "schedule.unknown-time-zone" } });
  });
});
