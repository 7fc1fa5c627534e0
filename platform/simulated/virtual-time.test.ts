import { describe, expect, test } from "vitest";
import { VirtualTime } from "./virtual-time.ts";

describe("virtual time", () => {
  test("advances only on request, wall and monotonic time together", async () => {
    const time = new VirtualTime({ wallMs: 5_000, monotonicMs: 100 });
    await time.advance(250);
    expect([time.wallMs(), time.monotonicMs()]).toEqual([5_250, 350]);
  });

  test("fires in order of due time, then of creation", async () => {
    const time = new VirtualTime();
    const fired: string[] = [];
    time.after("late", 30, () => fired.push("late"));
    time.after("first", 10, () => fired.push("first"));
    time.after("second", 10, () => fired.push("second"));
    expect(time.pending().map((entry) => entry.name)).toEqual(["first", "second", "late"]);
    await time.advance(10);
    expect(fired).toEqual(["first", "second"]);
    await time.advance(20);
    expect(fired).toEqual(["first", "second", "late"]);
  });

  test("fires a timer set by a timer or a promise reaction within the same advance", async () => {
    const time = new VirtualTime({ monotonicMs: 0 });
    const fired: [string, number][] = [];
    const note = (name: string): void => void fired.push([name, time.monotonicMs()]);
    time.after("a", 10, () => {
      note("a");
      // Deep nesting: a fixed number of microtask turns would miss it.
      let chain = Promise.resolve();
      for (let i = 0; i < 500; i++) chain = chain.then(() => {});
      void chain.then(() => time.after("b", 5, () => note("b")));
    });
    time.after("c", 20, () => note("c"));
    await time.advance(100);
    expect(fired).toEqual([
      ["a", 10],
      ["b", 15],
      ["c", 20],
    ]);
  });

  test("fires nothing and moves no due time when the wall clock steps", async () => {
    const time = new VirtualTime({ monotonicMs: 0 });
    let fired = 0;
    time.after("t", 1_000, () => fired++);
    time.stepWall(10 * 365 * 86_400_000);
    await time.advance(999);
    time.stepWall(-20 * 365 * 86_400_000);
    expect(fired).toBe(0);
    await time.advance(1);
    expect(fired).toBe(1);
  });

  test("runUntilIdle returns how far it advanced, and names what never ends", async () => {
    const time = new VirtualTime();
    time.after("a", 40, () => time.after("b", 2, () => {}));
    expect(await time.runUntilIdle()).toBe(42);
    const again = (): void => void time.after("heartbeat", 1_000, again);
    again();
    await expect(time.runUntilIdle(10_000)).rejects.toThrow(/heartbeat/);
  });

  test("settled advances just far enough and passes rejections on", async () => {
    const time = new VirtualTime({ monotonicMs: 0 });
    const work = new Promise<string>((resolve) => time.after("w", 70, () => resolve("done")));
    time.after("later", 90, () => {});
    expect(await time.settled(work)).toBe("done");
    expect(time.monotonicMs()).toBe(70);
    await expect(time.settled(Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    await expect(time.settled(new Promise(() => {}), 1_000)).rejects.toThrow(/not settled.*nothing/);
  });

  test("refuses impossible delays, going back, and concurrent advances", async () => {
    const time = new VirtualTime();
    expect(() => time.after("x", 2 ** 31, () => {})).toThrow(RangeError);
    expect(() => time.after("x", Number.NaN, () => {})).toThrow(RangeError);
    await expect(time.advanceTo(time.monotonicMs() - 1)).rejects.toThrow(RangeError);
    const first = time.advance(1);
    await expect(time.advance(1)).rejects.toThrow(/already/);
    await first;
  });

  test("passes what a timer throws to the caller, and can advance again", async () => {
    const time = new VirtualTime();
    time.after("bad", 1, () => {
      throw new Error("bug");
    });
    await expect(time.advance(5)).rejects.toThrow("bug");
    await time.advance(5);
    expect(time.pending()).toEqual([]);
  });
});
