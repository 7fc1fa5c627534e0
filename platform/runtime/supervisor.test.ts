import { describe, expect, test } from "vitest";
import type { Log } from "../ports/log.ts";
import { SeededRandom } from "../simulated/seeded-random.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { sleep } from "./sleep.ts";
import { Supervisor, type Unit } from "./supervisor.ts";

function bench(units: (time: VirtualTime) => Unit[]) {
  const time = new VirtualTime({ monotonicMs: 0 });
  const errors: Record<string, unknown>[] = [];
  const log: Log = { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(fields), child: () => log };
  const supervisor = new Supervisor(units(time), { clock: time, timers: time, random: new SeededRandom("supervisor"), log });
  const stop = new AbortController();
  const ended = supervisor.run(stop.signal);
  return { time, errors, supervisor, stop, ended };
}

const untilAborted = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener("abort", () => resolve()));

describe("supervisor", () => {
  test("restarts a unit that fails or ends, and leaves others alone", async () => {
    const starts = { throws: 0, ends: 0, good: 0 };
    const { time, supervisor, stop, ended } = bench(() => [
      { name: "throws", run: () => Promise.reject(new Error(`number ${starts.throws++}`)) },
      { name: "ends", run: () => ((starts.ends += 1), Promise.resolve()) },
      { name: "good", run: (signal) => ((starts.good += 1), untilAborted(signal)) },
    ]);
    await time.advance(600_000);
    expect(starts.throws).toBeGreaterThan(5);
    expect(starts.ends).toBeGreaterThan(5);
    expect(starts.good).toBe(1);
    expect(supervisor.status().get("ends")).toMatchObject({ kind: "waiting", lastError: "ended without being asked to" });
    expect(supervisor.status().get("good")).toEqual({ kind: "running", sinceMs: 0, restarts: 0 });
    stop.abort();
    await ended;
    expect([...supervisor.status().values()].map((status) => status.kind)).toEqual(["stopped", "stopped", "stopped"]);
    expect(time.pending()).toEqual([]);
  });

  test("never gives up: after a day of failures it still retries, at most once per cap", async () => {
    let lastMs = 0;
    let starts = 0;
    const { time, stop, ended } = bench((clock) => [
      { name: "down", run: () => ((starts += 1), (lastMs = clock.monotonicMs()), Promise.reject(new Error("down"))) },
    ]);
    await time.advance(86_400_000);
    expect(time.monotonicMs() - lastMs).toBeLessThanOrEqual(60_000);
    expect(starts).toBeGreaterThan(1_440);
    stop.abort();
    await ended;
  });

  test("logs a repeated failure once, and a new one again", async () => {
    let starts = 0;
    const same = new Error("same");
    const other = new Error("other");
    const { time, errors, stop, ended } = bench(() => [{ name: "u", run: () => Promise.reject(starts++ < 5 ? same : other) }]);
    await time.advance(3_600_000);
    expect(starts).toBeGreaterThan(10);
    expect(errors.map((fields) => String(fields["error"]).split("\n")[0])).toEqual(["Error: same", "Error: other"]);
    stop.abort();
    await ended;
  });

  test("restarts the schedule after a unit ran stably", async () => {
    const begun: number[] = [];
    const runMs = 61_000;
    const { time, stop, ended } = bench((timers) => [
      {
        name: "stable",
        run: async (signal) => {
          begun.push(timers.monotonicMs());
          await sleep(timers, "work", runMs, signal);
          throw new Error("broke after a while");
        },
      },
    ]);
    await time.advance(40 * runMs);
    const waits = begun.slice(1).map((startMs, i) => startMs - (begun[i] ?? 0) - runMs);
    expect(waits.length).toBeGreaterThan(20);
    expect(Math.max(...waits)).toBeLessThanOrEqual(500);
    stop.abort();
    await ended;
  });

  test("stops at once while a unit waits for its restart", async () => {
    const { time, stop, ended } = bench(() => [{ name: "u", run: () => Promise.reject(new Error("x")) }]);
    await time.advance(0);
    stop.abort();
    await ended;
    expect(time.pending()).toEqual([]);
  });
});
