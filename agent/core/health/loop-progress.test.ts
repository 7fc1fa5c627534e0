import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import { LOOP_GRACE_MS, LoopProgress } from "./loop-progress.ts";

function setUp(...loops: readonly string[]) {
  const time = new VirtualTime();
  const progress = new LoopProgress(time, loops);
  return { time, progress, timers: progress.watch(time) };
}

describe("progress of loops", () => {
  test("a loop that turns is healthy, however long it means to wait; one that stops is named", async () => {
    const { time, progress, timers } = setUp("seconds", "hours");
    const turn = (name: string, everyMs: number, times: number): void => {
      if (times > 0) timers.after(name, everyMs, () => turn(name, everyMs, times - 1));
    };
    turn("seconds", 30_000, 10_000);
    turn("hours", 6 * 3_600_000, 2);
    await time.advance(12 * 3_600_000 + LOOP_GRACE_MS);
    expect(progress.healthy()).toBe(true);
    await time.advance(1_000);
    expect(progress.stuck()).toEqual([{ name: "hours", silentMs: LOOP_GRACE_MS + 1_000 }]);
  });

  test("a loop that hangs in its work after a ring is as stuck as one whose timer fired", async () => {
    const { time, progress, timers } = setUp("a");
    const wake = new Wake();
    const waiting = wake.wait(timers, "a", 3_600_000, new AbortController().signal);
    wake.ring();
    await waiting;
    await time.advance(LOOP_GRACE_MS + 1);
    expect(progress.healthy()).toBe(false);
    void wake.wait(timers, "a", 60_000, new AbortController().signal);
    expect(progress.healthy()).toBe(true);
  });

  test("a loop that never gets to its first wait is stuck", async () => {
    const { time, progress } = setUp("a");
    expect(progress.healthy()).toBe(true);
    await time.advance(LOOP_GRACE_MS + 1);
    expect(progress.stuck()).toEqual([{ name: "a", silentMs: LOOP_GRACE_MS + 1 }]);
  });

  test("a timer that was replaced says nothing when it is canceled later, and other timers are not looked at", async () => {
    const { time, progress, timers } = setUp("a");
    const old = timers.after("a", 1_000, () => {});
    timers.after("a", 24 * 3_600_000, () => {});
    old.cancel();
    timers.after("b", 1, () => {});
    await time.advance(12 * 3_600_000);
    expect(progress.healthy()).toBe(true);
  });
});
