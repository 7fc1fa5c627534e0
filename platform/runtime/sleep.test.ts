import { describe, expect, test } from "vitest";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { sleep, TimeoutError, withDeadline } from "./sleep.ts";

describe("sleep", () => {
  test("resolves to true after its time and leaves no timer", async () => {
    const time = new VirtualTime({ monotonicMs: 0 });
    expect(await time.settled(sleep(time, "nap", 500, new AbortController().signal))).toBe(true);
    expect(time.monotonicMs()).toBe(500);
    expect(time.pending()).toEqual([]);
  });

  test("resolves to false at once when aborted, and cancels its timer", async () => {
    const time = new VirtualTime({ monotonicMs: 0 });
    const abort = new AbortController();
    const nap = sleep(time, "nap", 500, abort.signal);
    await time.advance(100);
    abort.abort();
    expect(await nap).toBe(false);
    expect(time.monotonicMs()).toBe(100);
    expect(time.pending()).toEqual([]);
    expect(await sleep(time, "nap", 500, abort.signal)).toBe(false);
  });
});

describe("withDeadline", () => {
  test("returns the outcome and cancels its timer", async () => {
    const time = new VirtualTime();
    expect(await withDeadline(time, "work", 100, Promise.resolve(3))).toBe(3);
    await expect(withDeadline(time, "work", 100, Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(time.pending()).toEqual([]);
  });

  test("rejects with its name when the work is late; a late rejection is not unhandled", async () => {
    const time = new VirtualTime();
    const late = new Promise((_resolve, reject) => time.after("late", 500, () => reject(new Error("too late"))));
    await expect(time.settled(withDeadline(time, "slow-thing", 100, late))).rejects.toThrow(TimeoutError);
    await time.advance(1_000);
    await expect(withDeadline(time, "x", 1, late)).rejects.toThrow("too late");
  });
});
