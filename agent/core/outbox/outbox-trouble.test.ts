import { describe, expect, test } from "vitest";
import type { Result } from "../../../platform/ports/result.ts";
import type { Stream } from "../../protocol/records.ts";
import { MemoryDisk } from "./memory-outbox-store.ts";
import type { OutboxOpening } from "./outbox-store.ts";
import { damagedRows } from "./testing/damaged-rows.ts";
import { OutboxBench } from "./testing/outbox-bench.ts";
import type { StorageCode } from "../storage/document-store.ts";

const LOG_A = "a".repeat(24);

/** A disk and a store opener whose failures are scripted. */
class Trouble {
  refuse: StorageCode | undefined;
  readonly disk = new MemoryDisk(LOG_A, 1e7, { refuse: () => (this.refuse === undefined ? undefined : { code: this.refuse, message: "as told" }) });
  next: () => OutboxOpening = () => this.disk.open();
  openings = 0;

  readonly bench = new OutboxBench({
    openStore: async () => {
      this.openings += 1;
      return this.next();
    },
  });
}

function append(bench: OutboxBench, stream: Stream, n: number): Promise<Result<{ readonly seq: number }>> {
  return bench.outbox.append({ stream, kind: "page", body: { n }, source: "agent" });
}

const bodies = async (bench: OutboxBench, stream: Stream): Promise<unknown[]> =>
  (await bench.records(stream)).filter(({ kind }) => kind !== "gap").map(({ body }) => body["n"]);

describe("a disk that refuses writes", () => {
  test("durable records are refused; events wait and are written when the disk recovers", async () => {
    const trouble = new Trouble();
    const { bench } = trouble;
    await bench.start();
    trouble.refuse = "storage.io";
    expect(await append(bench, "event", 1)).toMatchObject({ ok: true });
    expect(await append(bench, "outcome", 1)).toMatchObject({ ok: false, error: { code: "outbox.disk" } });
    await bench.time.advance(120_000);
    expect(bench.incidents).toMatchObject([{ kind: "write-failed", why: { code: "storage.io" } }]);
    trouble.refuse = undefined;
    await bench.time.advance(60_000);
    expect(await bodies(bench, "event")).toEqual([1]);
    expect(await append(bench, "outcome", 2)).toEqual({ ok: true, value: { seq: 1 } });
    expect(bench.incidents.map(({ kind }) => kind)).toEqual(["write-failed", "write-recovered"]);
    await bench.time.advance(5_000);
    expect(await bench.gaps()).toEqual([{ stream: "outcome", reason: "disk-error", count: 1 }]);
  });

  test("writes are retried with back-off", async () => {
    const trouble = new Trouble();
    const { bench } = trouble;
    await bench.start();
    trouble.refuse = "storage.io";
    await append(bench, "event", 1);
    await bench.time.advance(3_600_000);
    expect(trouble.bench.outbox.status().counters.commitFailures).toBeLessThan(600);
    expect(trouble.openings).toBeLessThan(400);
  });

  test("a full disk evicts records of lower priority, then refuses new ones with the reason", async () => {
    const trouble = new Trouble();
    const { bench } = trouble;
    await bench.start();
    for (let n = 0; n < 5; n += 1) await append(bench, "metric", n);
    await bench.outbox.flush();
    trouble.refuse = "storage.full";
    expect(await append(bench, "play", 1)).toMatchObject({ ok: false, error: { code: "outbox.full" } });
    trouble.refuse = undefined;
    expect(await append(bench, "play", 2)).toMatchObject({ ok: true, value: { seq: 1 } });
  });
});

describe("a store that fails in use", () => {
  test("is reopened at once when it fails long after opening, and the write succeeds", async () => {
    const trouble = new Trouble();
    const { bench } = trouble;
    await bench.start();
    await append(bench, "play", 1);
    await bench.time.advance(60_000);
    trouble.next = () => {
      trouble.refuse = undefined;
      return trouble.disk.open();
    };
    trouble.refuse = "storage.io";
    expect(await append(bench, "play", 2)).toEqual({ ok: true, value: { seq: 2 } });
    expect(bench.outbox.log).toBe(LOG_A);
    expect(await bodies(bench, "play")).toEqual([1, 2]);
  });

  test("after damage, continues in a new file with its own log and numbers, and reports the loss", async () => {
    const trouble = new Trouble();
    const { bench } = trouble;
    await bench.start();
    for (let n = 1; n <= 3; n += 1) await append(bench, "play", n);
    await bench.time.advance(60_000);
    const salvaged = new MemoryDisk("b".repeat(24), 1e7);
    await salvaged.open().store.commit({ add: [{ stream: "play", seq: 2, kind: "page", segment: 1, monoMs: 1, body: '{"n":2}' }] }, true);
    trouble.next = () => ({
      ...salvaged.open(),
      losses: [
        {
          file: "outbox.sqlite",
          why: { code: "storage.corrupt", message: "as told" },
          salvagedRows: 1,
          extentKnown: true,
          gaps: [{ stream: "play", reason: "corrupt", source: "", from: 1, to: 3, count: 2 }],
        },
      ],
    });
    trouble.refuse = "storage.corrupt";
    expect(await append(bench, "event", 9)).toMatchObject({ ok: true });
    expect(await append(bench, "play", 4)).toEqual({ ok: true, value: { seq: 3 } });
    expect(bench.outbox.log).toBe("b".repeat(24));
    expect(await bodies(bench, "play")).toEqual([2, 4]);
    expect(await bodies(bench, "event")).toEqual([9]);
    await bench.time.advance(5_000);
    expect(await bench.gaps()).toEqual([{ stream: "play", reason: "corrupt", from: 1, to: 3, count: 2 }]);
    expect(bench.incidents.map(({ kind }) => kind)).toEqual(["loss"]);
  });

  test("without a disk, continues in memory, reports it, and moves everything to the disk when it is back", async () => {
    const trouble = new Trouble();
    const { bench } = trouble;
    await bench.start();
    await append(bench, "play", 1);
    await bench.time.advance(60_000);
    const memory = new MemoryDisk("c".repeat(24), 1e6);
    trouble.next = () => ({ ...memory.open(), degraded: { code: "storage.read-only", message: "as told" } });
    trouble.refuse = "storage.read-only";
    expect(await append(bench, "play", 2)).toMatchObject({ ok: true });
    expect(await append(bench, "event", 2)).toMatchObject({ ok: true });
    expect(bench.outbox.status().degraded).toMatchObject({ code: "storage.read-only" });
    await bench.time.advance(30_000);
    expect(await bodies(bench, "play")).toEqual([2]);

    trouble.refuse = undefined;
    trouble.next = () => trouble.disk.open();
    await bench.time.advance(60_000);
    await append(bench, "event", 3);
    expect(await append(bench, "play", 3)).toEqual({ ok: true, value: { seq: 3 } });
    expect(bench.outbox.log).toBe(LOG_A);
    expect(await bodies(bench, "play")).toEqual([1, 2, 3]);
    expect(await bodies(bench, "event")).toEqual([2, 3]);
    expect(bench.outbox.status().degraded).toBeUndefined();
    expect(bench.incidents.map(({ kind }) => kind)).toEqual(["degraded", "recovered"]);
    const { wall } = (await bench.records("play"))[1] ?? { wall: 0 };
    expect(bench.time.wallMs() - wall).toBe(90_000);
    bench.crash();
  });

  test("moving from memory to a nearly full disk evicts by priority and counts what does not fit", async () => {
    const small = new MemoryDisk(LOG_A, 12_000);
    const opened = { degraded: false };
    const bench = new OutboxBench({
      openStore: async () => (opened.degraded ? { ...new MemoryDisk("c".repeat(24), 1e6).open(), degraded: { code: "storage.read-only", message: "as told" } } : small.open()),
      limits: { evictBytes: 2_000 },
    });
    await small.open().store.commit({ add: Array.from({ length: 100 }, (_, n) => ({ stream: "metric", seq: n + 1, kind: "page", segment: 1, monoMs: 1, body: '{"n":1}' }) as const) }, true);
    opened.degraded = true;
    await bench.start();
    for (let n = 0; n < 100; n += 1) await bench.outbox.append({ stream: "play", kind: "page", body: { n, pad: "x".repeat(60) }, source: "agent" });
    for (let n = 0; n < 200; n += 1) await append(bench, "event", n);
    await bench.outbox.flush();
    opened.degraded = false;
    await bench.time.advance(120_000);
    await append(bench, "outcome", 1);
    await bench.time.advance(5_000);
    expect(bench.outbox.log).toBe(LOG_A);
    const plays = await bodies(bench, "play");
    const events = await bodies(bench, "event");
    const metrics = await bodies(bench, "metric");
    const told = (stream: Stream, gaps: Awaited<ReturnType<typeof bench.gaps>>): number => gaps.filter((gap) => gap.stream === stream).reduce((sum, gap) => sum + gap.count, 0);
    const gaps = await bench.gaps();
    // Metrics are evicted first, then events, then plays.
    expect(metrics).toEqual([]);
    expect(events.length).toBeLessThan(200);
    expect(plays.length + told("play", gaps)).toBe(100);
    expect(events.length + told("event", gaps)).toBe(200);
    expect(told("metric", gaps)).toBe(100);
    expect(gaps.every(({ from, to }) => (from ?? 1) <= (to ?? from ?? 1))).toBe(true);
  });

  test("when the disk fails again during the move from memory, the rest waits and is written later", async () => {
    const trouble = new Trouble();
    const { bench } = trouble;
    trouble.next = () => ({ ...new MemoryDisk("d".repeat(24), 1e6).open(), degraded: { code: "storage.read-only", message: "as told" } });
    await bench.start();
    for (let n = 0; n < 20; n += 1) await append(bench, "play", n);
    trouble.refuse = "storage.io";
    trouble.next = () => trouble.disk.open();
    await bench.time.advance(60_000);
    await append(bench, "event", 1);
    await bench.time.advance(10_000);
    trouble.refuse = undefined;
    await bench.time.advance(120_000);
    expect(bench.outbox.log).toBe(LOG_A);
    expect((await bodies(bench, "play")).toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(await bench.gaps()).toEqual([]);
  });

  test("damaged rows on a disk that takes no writes are tried again later, and counted once", async () => {
    const trouble = new Trouble();
    let reads = 0;
    trouble.next = () => damagedRows(trouble.disk, "play", [2, 3], () => {
      reads += 1;
      if (reads > 50) throw new Error("it reads in a loop");
    });
    const { bench } = trouble;
    await bench.start();
    for (let n = 1; n <= 3; n += 1) await append(bench, "play", n);
    await bench.outbox.stored({ play: 1 });
    trouble.refuse = "storage.read-only";
    for (let times = 0; times < 3; times += 1) expect(await bench.outbox.read("play", 1, { recordsMax: 10, bytesMax: 1e6 })).toBeUndefined();
    expect(bench.outbox.status().counters.damaged).toBe(0);
    trouble.refuse = undefined;
    await bench.outbox.read("play", 1, { recordsMax: 10, bytesMax: 1e6 });
    await bench.time.advance(2_000);
    expect([bench.outbox.status().counters.damaged, await bench.gaps()]).toEqual([2, [{ stream: "play", reason: "corrupt", from: 2, to: 3, count: 2 }]]);
  });

  test("a record that the cloud rejects while the disk takes no writes stays, and is counted once when it goes", async () => {
    const trouble = new Trouble();
    const { bench } = trouble;
    await bench.start();
    for (let n = 1; n <= 3; n += 1) await append(bench, "play", n);
    await bodies(bench, "play");
    trouble.refuse = "storage.read-only";
    await bench.outbox.rejected("play", 2, "record.malformed", "no such kind");
    expect(bench.outbox.status().counters.rejectedByCloud).toBe(0);
    trouble.refuse = undefined;
    await bench.outbox.rejected("play", 2, "record.malformed", "no such kind");
    expect([await bodies(bench, "play"), bench.outbox.status().counters.rejectedByCloud]).toEqual([[1, 3], 1]);
  });

  test("a damaged row is dropped and reported, without affecting its neighbours", async () => {
    const disk = new MemoryDisk(LOG_A, 1e7);
    const bench = new OutboxBench({ openStore: async () => damagedRows(disk, "play", [2]) });
    await bench.start();
    for (let n = 1; n <= 3; n += 1) await append(bench, "play", n);
    expect(await bodies(bench, "play")).toEqual([1, 3]);
    await bench.time.advance(2_000);
    expect(await bench.gaps()).toEqual([{ stream: "play", reason: "corrupt", from: 2, to: 2, count: 1 }]);
  });
});
