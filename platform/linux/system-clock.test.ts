import { afterEach, describe, expect, test, vi } from "vitest";
import { DELAY_MAX_MS, systemClock, SystemTimers } from "./system-clock.ts";

// This file wraps Node's setTimeout, so that is the only thing replaced here.
describe("system timers", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("fire once, in time, and leave the registry", () => {
    vi.useFakeTimers();
    const timers = new SystemTimers();
    const fired: string[] = [];
    timers.after("b", 20, () => fired.push("b"));
    timers.after("a", 10, () => fired.push("a"));
    expect(timers.pending().map((entry) => entry.name)).toEqual(["a", "b"]);
    vi.advanceTimersByTime(19);
    expect(fired).toEqual(["a"]);
    expect(timers.pending().map((entry) => entry.name)).toEqual(["b"]);
    vi.advanceTimersByTime(1_000);
    expect(fired).toEqual(["a", "b"]);
    expect(timers.pending()).toEqual([]);
  });

  test("never fire after they are cancelled, and ignore another or a late cancel", () => {
    vi.useFakeTimers();
    const timers = new SystemTimers();
    let count = 0;
    const canceled = timers.after("x", 5, () => count++);
    const fires = timers.after("y", 5, () => count++);
    canceled.cancel();
    canceled.cancel();
    vi.advanceTimersByTime(10);
    fires.cancel();
    expect(count).toBe(1);
    expect(timers.pending()).toEqual([]);
  });

  test.each([DELAY_MAX_MS + 1, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuse a delay of %s with the timer's name", (delayMs) => {
    const timers = new SystemTimers();
    expect(() => timers.after("too-far", delayMs, () => {})).toThrow(/too-far/);
    expect(() => timers.after("too-far", delayMs, () => {})).toThrow(RangeError);
    expect(timers.pending()).toEqual([]);
  });

  test("have due times on the monotonic clock, whatever the wall clock shows", () => {
    let wallMs = 1_000_000;
    const timers = new SystemTimers({ wallMs: () => wallMs, monotonicMs: () => 500 });
    const timer = timers.after("t", 250, () => {});
    wallMs -= 900_000;
    expect(timers.pending()).toEqual([{ name: "t", dueMs: 750 }]);
    timer.cancel();
  });
});

test("the system clock rises", () => {
  const before = systemClock.monotonicMs();
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
  expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(60_000);
});
