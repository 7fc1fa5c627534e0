import { expect, test } from "vitest";
import type { WireRecord } from "../../protocol/records.ts";
import { OutboxBench } from "./testing/outbox-bench.ts";

const YEAR_MS = 365 * 86_400_000;
const HOUR_MS = 3_600_000;

async function play(bench: OutboxBench, n: number): Promise<void> {
  await bench.outbox.append({ stream: "play", kind: "play", body: { n }, source: "page" });
}

async function plays(bench: OutboxBench): Promise<WireRecord[]> {
  return bench.records("play");
}

/** Batches as (boot, clock quality, first, last). */
async function batches(bench: OutboxBench): Promise<string[]> {
  const all: string[] = [];
  for (let after = 0; ; ) {
    const batch = await bench.outbox.read("play", after, { recordsMax: 100, bytesMax: 1e6 });
    if (batch === undefined) return all;
    all.push(`${batch.boot} ${batch.clock} ${batch.first}-${batch.last}`);
    after = batch.last;
  }
}

test("records from before the first clock sync get their correct wall time, to the millisecond", async () => {
  const bench = new OutboxBench({ quality: "unset" });
  bench.time.stepWall(-56 * YEAR_MS);
  await bench.start();
  const startedMs = bench.time.monotonicMs();
  for (let n = 0; n < 3; n += 1) {
    await play(bench, n);
    await bench.time.advance(HOUR_MS);
  }
  expect(await batches(bench)).toEqual(["boot-1 unset 1-3"]);
  bench.time.stepWall(56 * YEAR_MS);
  await bench.outbox.clockQuality("synced");
  await play(bench, 3);
  const zeroMs = bench.time.wallMs() - bench.time.monotonicMs();
  expect((await plays(bench)).map(({ wall, mono }) => [wall, mono])).toEqual([0, 1, 2, 3].map((n) => [zeroMs + startedMs + n * HOUR_MS, startedMs + n * HOUR_MS]));
  expect(await batches(bench)).toEqual(["boot-1 synced 1-4"]);
});

test("the correction survives a restart, and reaches records of an earlier process of the same boot", async () => {
  const bench = new OutboxBench({ quality: "unset" });
  bench.time.stepWall(-10 * YEAR_MS);
  await bench.start();
  await play(bench, 0);
  const rightMs = bench.time.wallMs() + 10 * YEAR_MS;
  await bench.outbox.close();
  await bench.time.advance(HOUR_MS);
  await bench.start();
  await play(bench, 1);
  bench.time.stepWall(10 * YEAR_MS);
  await bench.outbox.clockQuality("synced");
  await bench.outbox.close();
  await bench.start("boot-2", "unset");
  expect((await plays(bench)).map(({ wall }) => wall)).toEqual([rightMs, rightMs + HOUR_MS]);
  expect(await batches(bench)).toEqual(["boot-1 synced 1-2"]);
});

test("records of an earlier boot without a known time stay unchanged", async () => {
  const bench = new OutboxBench({ quality: "unset" });
  bench.time.stepWall(-10 * YEAR_MS);
  await bench.start("boot-1");
  await play(bench, 0);
  const wrongMs = bench.time.wallMs();
  await bench.outbox.close();
  await bench.start("boot-2", "local");
  bench.time.stepWall(10 * YEAR_MS);
  await bench.outbox.clockQuality("synced");
  await play(bench, 1);
  expect((await plays(bench))[0]?.wall).toBe(wrongMs);
  expect(await batches(bench)).toEqual(["boot-1 unset 1-1", "boot-2 synced 2-2"]);
});

test("a step of a synchronised clock does not change the time of earlier records", async () => {
  const bench = new OutboxBench();
  await bench.start();
  await play(bench, 0);
  const firstMs = bench.time.wallMs();
  bench.time.stepWall(-2 * YEAR_MS);
  await play(bench, 1);
  await bench.outbox.clockQuality("synced");
  expect((await plays(bench)).map(({ wall }) => wall)).toEqual([firstMs, firstMs - 2 * YEAR_MS]);
});

test("a clock before 1970 or after the year 9999 still gives valid records", async () => {
  const bench = new OutboxBench();
  await bench.start();
  bench.time.stepWall(-80 * YEAR_MS);
  await play(bench, 0);
  bench.time.stepWall(20_000 * YEAR_MS);
  await play(bench, 1);
  expect((await plays(bench)).map(({ wall }) => wall)).toEqual([0, 253_402_300_799_999]);
});

test("jumps of the wall clock affect neither timers nor rate limits", async () => {
  const bench = new OutboxBench({ limits: { rateOf: () => ({ burst: 2, perSecond: 1 }) } });
  await bench.start();
  const append = (): Promise<{ readonly ok: boolean }> => bench.outbox.append({ stream: "metric", kind: "telemetry", body: {}, source: "agent" });
  expect([(await append()).ok, (await append()).ok, (await append()).ok]).toEqual([true, true, false]);
  bench.time.stepWall(5 * YEAR_MS);
  expect((await append()).ok).toBe(false);
  bench.time.stepWall(-9 * YEAR_MS);
  await bench.time.advance(1_000);
  expect((await append()).ok).toBe(true);
  expect(bench.time.pending().length).toBeLessThanOrEqual(1);
});
