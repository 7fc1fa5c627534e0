import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { existsSync } from "node:fs";
import { silentLog } from "../../../platform/ports/log.ts";
import { systemClock } from "../../../platform/linux/system-clock.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { endStuckRenderer, longestWaitMs, ProcessStarvation, type Starvation } from "./starvation.ts";

const counts = existsSync("/proc/self/schedstat");

/** A process that loops on the first processor. */
async function looping(): Promise<number> {
  const child = spawn("taskset", ["-c", "0", process.execPath, "-e", 'process.stdout.write("up"); for (;;);'], { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child.pid ?? 0;
}

if (!counts) reportLeftOut("the time that a process is kept waiting for a processor", "this kernel does not count it (no schedstat)");

describe.skipIf(!counts)("the time that a process waits for a processor", () => {
  test("is long when two processes loop on one processor, and zero for a stopped process", async () => {
    const [one, other] = [await looping(), await looping()];
    const waited = await new ProcessStarvation(() => Promise.resolve([one, other]), systemClock).begin();
    await pause(600);
    expect(await waited()).toBeGreaterThan(100);
    process.kill(one, "SIGSTOP");
    process.kill(other, "SIGSTOP");
    await pause(50);
    const stopped = await new ProcessStarvation(() => Promise.resolve([one, other]), systemClock).begin();
    await pause(300);
    expect(await stopped()).toBe(0);
  });

  test("is zero for a process that does not exist", async () => {
    const waited = await new ProcessStarvation(() => Promise.resolve([2 ** 30]), systemClock).begin();
    expect(await waited()).toBe(0);
  });
});

test("counts a new thread from its start, and ignores one that has ended", () => {
  expect(longestWaitMs(new Map([["1", 500], ["2", 10]]), new Map([["2", 30], ["3", 25]]))).toBe(25);
});

describe("a renderer that does not commit a document", () => {
  /** `readMs`: how long each reading takes. */
  function stuck(waits: readonly number[], readMs = 0) {
    const time = new VirtualTime();
    const left = [...waits];
    const read = (): Promise<void> => (readMs === 0 ? Promise.resolve() : new Promise((resolve) => void time.after("read", readMs, resolve)));
    const starvation: Starvation = { begin: () => Promise.resolve(() => read().then(() => left.shift() ?? 0)) };
    const seat = { time, still: true, ends: 0 };
    const endRenderer = (): Promise<void> => {
      seat.ends += 1;
      return Promise.resolve();
    };
    void endStuckRenderer({ starvation, isStill: () => seat.still, endRenderer, clock: time, timers: time, log: silentLog });
    return seat;
  }

  test("is ended after two seconds with a processor, however busy the machine is", async () => {
    const seat = stuck([900, 800, 300, 700, 700, 600]);
    await seat.time.advance(5_500);
    expect(seat.ends).toBe(0);
    await seat.time.advance(1_000);
    expect(seat.ends).toBe(1);
  });

  test("is ended although each look takes longer than asked for: the wait is that of the whole look", async () => {
    const seat = stuck(Array<number>(10).fill(1_000), 500);
    await seat.time.advance(5_900);
    expect(seat.ends).toBe(0);
    await seat.time.advance(200);
    expect(seat.ends).toBe(1);
  });

  test("is left alone on a slow machine if it commits the document after all", async () => {
    const seat = stuck([900]);
    await seat.time.advance(500);
    seat.still = false;
    await seat.time.advance(10_000);
    expect([seat.ends, seat.time.pending()]).toEqual([0, []]);
  });
});
