import { describe, expect, test } from "vitest";
import type { Result } from "../../../platform/ports/result.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { decodeDeviceMessage } from "../../protocol/codec.ts";
import type { Stream } from "../../protocol/records.ts";
import type { NewRecord } from "./event-sink.ts";
import { OutboxBench, type BenchOptions } from "./testing/outbox-bench.ts";

function record(stream: Stream, n: number, more: Partial<NewRecord> = {}): NewRecord {
  const kind = { outcome: "command", alarm: "alarm", play: "play", event: "page", metric: "telemetry" }[stream];
  return { stream, kind, body: { n }, source: "agent", ...more };
}

async function started(options: BenchOptions = {}): Promise<OutboxBench> {
  const bench = new OutboxBench(options);
  await bench.start();
  return bench;
}

async function seqOf(appending: Promise<Result<{ readonly seq: number }>>): Promise<number> {
  const done = await appending;
  if (!done.ok) throw new Error(done.error.code);
  return done.value.seq;
}

async function codeOf(appending: Promise<Result<unknown>>): Promise<string> {
  const done = await appending;
  return done.ok ? "ok" : done.error.code;
}

describe("append", () => {
  test.each(["outcome", "alarm", "play"] as const)("a record of %s is on disk before it is accepted", async (stream) => {
    const bench = await started();
    expect(await seqOf(bench.outbox.append(record(stream, 1)))).toBe(1);
    bench.crash();
    await bench.start();
    expect(await bench.records(stream)).toMatchObject([{ seq: 1, body: { n: 1 } }]);
  });

  test.each(["event", "metric"] as const)("a record of %s is accepted at once and on disk within a second", async (stream) => {
    const bench = await started();
    expect(await seqOf(bench.outbox.append(record(stream, 1)))).toBe(1);
    expect(await bench.records(stream)).toEqual([]);
    await bench.time.advance(1_000);
    bench.crash();
    await bench.start();
    expect(await bench.records(stream)).toMatchObject([{ seq: 1 }]);
  });

  test("waiting records are written together with a durable one", async () => {
    const bench = await started();
    await bench.outbox.append(record("event", 1));
    await bench.outbox.append(record("outcome", 1));
    bench.crash();
    await bench.start();
    expect(await bench.records("event")).toHaveLength(1);
  });

  test("one sync serves all waiting records", async () => {
    const counts = { syncs: 0 };
    const gates: (() => void)[] = [];
    const bench = await started({
      behaviour: {
        sync: () => {
          counts.syncs += 1;
          return new Promise((resolve) => gates.push(resolve));
        },
      },
    });
    const first = bench.outbox.append(record("play", 0));
    await bench.time.advance(0);
    const others = Array.from({ length: 64 }, (_, n) => bench.outbox.append(record("play", n + 1)));
    await bench.time.advance(0);
    expect(counts.syncs).toBe(1);
    gates.shift()?.();
    expect(await seqOf(first)).toBe(1);
    await bench.time.advance(0);
    expect(counts.syncs).toBe(2);
    gates.shift()?.();
    expect(await Promise.all(others.map(seqOf))).toEqual(Array.from({ length: 64 }, (_, n) => n + 2));
  });

  test("records not yet on disk are not visible to the drain", async () => {
    const gates: (() => void)[] = [];
    const bench = await started({ behaviour: { sync: () => new Promise((resolve) => gates.push(resolve)) } });
    const appended: Stream[] = [];
    bench.outbox.onAppended((stream) => appended.push(stream));
    const appending = bench.outbox.append(record("play", 1));
    await bench.time.advance(0);
    expect(bench.outbox.ranges().play).toEqual({ stored: 0, oldest: 1, newest: 0 });
    expect(await bench.records("play")).toEqual([]);
    expect(appended).toEqual([]);
    gates.shift()?.();
    await appending;
    expect(bench.outbox.ranges().play).toEqual({ stored: 0, oldest: 1, newest: 1 });
    expect(appended).toEqual(["play"]);
  });

  test("sequence numbers rise per stream and are never reused, whatever was stored, deleted or lost in a crash", async () => {
    const bench = await started();
    const seen = new Set<number>();
    for (let round = 0; round < 5; round += 1) {
      for (let n = 0; n < 3; n += 1) {
        const seq = await seqOf(bench.outbox.append(record("outcome", n)));
        expect(seen.has(seq)).toBe(false);
        seen.add(seq);
      }
      await bench.records("outcome");
      await bench.outbox.stored({ outcome: bench.outbox.ranges().outcome.newest });
      await bench.outbox.flush();
      bench.crash(Infinity);
      await bench.start();
      expect(await bench.records("outcome")).toEqual([]);
    }
    expect([...seen]).toEqual(Array.from({ length: 15 }, (_, n) => n + 1));
  });

  test("a body that would make the cloud reject a whole frame is refused", async () => {
    const bench = await started();
    let deep: JsonObject = {};
    for (let level = 0; level < 40; level += 1) deep = { deep };
    expect(await codeOf(bench.outbox.append(record("event", 1, { body: { text: "x".repeat(16 * 1024) } })))).toBe("outbox.too-large");
    expect(await codeOf(bench.outbox.append(record("event", 1, { body: { text: "ä".repeat(8 * 1024) } })))).toBe("outbox.too-large");
    expect(await codeOf(bench.outbox.append(record("event", 1, { body: deep })))).toBe("outbox.invalid");
    expect(await codeOf(bench.outbox.append(record("event", 1, { kind: 'a","x":"' })))).toBe("outbox.invalid");
    expect(bench.outbox.status().counters.refused).toEqual({ "outbox.too-large": 2, "outbox.invalid": 2 });
    const fits = { text: "x".repeat(16 * 1024 - 11) };
    expect(await codeOf(bench.outbox.append(record("outcome", 1, { body: fits })))).toBe("ok");
    expect(await bench.records("outcome")).toMatchObject([{ body: fits }]);
  });

  test("records beyond the limit of those waiting for a slow disk are refused and reported", async () => {
    const gates: (() => void)[] = [];
    const bench = await started({ limits: { pendingRecordsMax: 10 }, behaviour: { sync: () => new Promise((resolve) => gates.push(resolve)) } });
    const first = bench.outbox.append(record("play", 0));
    await bench.time.advance(0);
    const more = Array.from({ length: 12 }, (_, n) => codeOf(bench.outbox.append(record("play", n))));
    while (gates.length > 0) {
      gates.shift()?.();
      await bench.time.advance(2_000);
    }
    await first;
    expect((await Promise.all(more)).filter((code) => code === "outbox.full")).toHaveLength(2);
    expect(await bench.gaps()).toEqual([{ stream: "play", reason: "quota", count: 2 }]);
  });

  test("after close it accepts nothing, and everything accepted before is on disk", async () => {
    const bench = await started();
    await bench.outbox.append(record("metric", 1));
    await bench.outbox.close();
    expect(await codeOf(bench.outbox.append(record("outcome", 1)))).toBe("outbox.closed");
    await bench.start();
    expect(await bench.records("metric")).toHaveLength(1);
    expect(bench.time.pending()).toEqual([]);
  });
});

describe("rate limits", () => {
  test("a source over its rate is refused, counted, and reported once", async () => {
    const bench = await started({ limits: { rateOf: (source) => (source === "page" ? { burst: 5, perSecond: 1 } : { burst: 1e9, perSecond: 1e9 }) } });
    const codes = await Promise.all(Array.from({ length: 20 }, (_, n) => codeOf(bench.outbox.append(record("event", n, { source: "page" })))));
    expect(codes.filter((code) => code === "ok")).toHaveLength(5);
    expect(await codeOf(bench.outbox.append(record("event", 1, { source: "gpio" })))).toBe("ok");
    await bench.time.advance(2_500);
    expect(await bench.gaps()).toEqual([{ stream: "event", reason: "rate", count: 15, source: "page" }]);
    expect(await codeOf(bench.outbox.append(record("event", 1, { source: "page" })))).toBe("ok");
    expect(await codeOf(bench.outbox.append(record("event", 1, { source: "page" })))).toBe("ok");
    expect(await codeOf(bench.outbox.append(record("event", 1, { source: "page" })))).toBe("outbox.rate-limited");
  });

  test("while a gap record waits, later losses of the same kind are summed up for the next one", async () => {
    const bench = await started({ limits: { rateOf: () => ({ burst: 1, perSecond: 0.001 }) } });
    for (let second = 0; second < 600; second += 1) {
      await bench.outbox.append(record("event", second, { source: "page" }));
      await bench.time.advance(1_000);
    }
    expect(await bench.gaps()).toHaveLength(1);
    const told = (await bench.gaps())[0]?.count ?? 0;
    await bench.outbox.stored({ alarm: 1 });
    await bench.time.advance(5_000);
    const rest = (await bench.gaps())[0]?.count ?? 0;
    expect(told + rest).toBe(599);
  });

  test("untrusted source names do not grow the tables", async () => {
    const bench = await started({ limits: { rateOf: () => ({ burst: 1, perSecond: 0.001 }) } });
    for (let n = 0; n < 500; n += 1) await bench.outbox.append(record("event", n, { source: `page-${n % 250}` }));
    await bench.time.advance(5_000);
    const gaps = await bench.gaps();
    expect(gaps.length).toBeLessThan(70);
    expect(gaps.reduce((sum, gap) => sum + gap.count, 0)).toBe(500 - 33);
  });
});

describe("eviction", () => {
  const padding = "x".repeat(500);

  test("metrics are evicted first, then events, then plays, outcomes and alarms last; all of it is reported", async () => {
    const bench = await started({ bytesMax: 60_000, limits: { evictBytes: 4_000 } });
    for (const stream of ["metric", "event", "play", "alarm", "outcome"] as const) {
      for (let n = 0; n < 15; n += 1) await bench.outbox.append(record(stream, n, { body: { n, padding } }));
    }
    await bench.outbox.flush();
    for (let n = 0; n < 60; n += 1) await bench.outbox.append(record("outcome", n, { body: { n, padding } }));
    const left = await Promise.all((["metric", "event", "play", "alarm", "outcome"] as const).map(async (stream) => (await bench.records(stream)).filter(({ kind }) => kind !== "gap").length));
    expect(left.slice(0, 3)).toEqual([0, 0, expect.any(Number)]);
    expect(left[4]).toBe(75);
    expect(left[3]).toBe(15);
    const { evicted } = bench.outbox.status().counters;
    expect(evicted.metric).toBe(15);
    expect(evicted.event).toBe(15);
    expect(evicted.outcome + evicted.alarm).toBe(0);
    expect(await owed(bench)).toEqual({ metric: 15, event: 15, play: evicted.play });
  });

  test("a record never evicts one of higher priority", async () => {
    const bench = await started({ bytesMax: 20_000, limits: { evictBytes: 1 } });
    for (let n = 0; n < 60; n += 1) await bench.outbox.append(record("play", n, { body: { padding } }));
    const before = (await bench.records("play")).length;
    await bench.outbox.append(record("metric", 1, { body: { padding } }));
    await bench.time.advance(5_000);
    expect(await bench.records("metric")).toEqual([]);
    expect((await bench.records("play")).length).toBe(before);
    expect(await owed(bench)).toMatchObject({ metric: 1 });
  });

  test("the losses of an evicted gap record are reported again", async () => {
    const bench = await started({ bytesMax: 20_000, limits: { evictBytes: 2_000 } });
    for (let n = 0; n < 500; n += 1) await bench.outbox.append(record("alarm", n, { body: { n, padding } }));
    await bench.time.advance(10_000);
    const here = (await bench.records("alarm")).length;
    const { newest } = bench.outbox.ranges().alarm;
    expect(newest).toBeGreaterThan(500);
    // Evicted gap records are counted like other records.
    expect((await owed(bench))["alarm"]).toBe(newest - here);
  });

  test("acknowledged records are deleted before anything is evicted", async () => {
    const bench = await started({ bytesMax: 20_000 });
    for (let n = 0; n < 25; n += 1) await bench.outbox.append(record("event", n, { body: { padding } }));
    await bench.outbox.flush();
    await bench.records("event");
    await bench.outbox.stored({ event: bench.outbox.ranges().event.newest });
    for (let n = 0; n < 25; n += 1) await bench.outbox.append(record("play", n, { body: { padding } }));
    expect(bench.outbox.status().counters.evicted).toEqual({ outcome: 0, alarm: 0, play: 0, event: 0, metric: 0 });
  });

  /** Reported losses by stream. Acknowledges the alarms, so that losses waiting behind a gap record are reported too. */
  async function owed(bench: OutboxBench): Promise<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (let gaps = await bench.gaps(); gaps.length > 0; gaps = await bench.gaps()) {
      for (const gap of gaps) sums[gap.stream] = (sums[gap.stream] ?? 0) + gap.count;
      await bench.outbox.stored({ alarm: bench.outbox.ranges().alarm.newest });
      await bench.time.advance(5_000);
    }
    return sums;
  }
});

describe("acknowledgements", () => {
  test("a lower one than before is ignored and counted", async () => {
    const bench = await started();
    for (let n = 0; n < 10; n += 1) await bench.outbox.append(record("play", n));
    await bench.records("play");
    await bench.outbox.stored({ play: 8 });
    await bench.outbox.stored({ play: 3 });
    await bench.outbox.stored({ play: 8 });
    expect(bench.outbox.ranges().play).toEqual({ stored: 8, oldest: 9, newest: 10 });
    expect(bench.outbox.status().counters.acksBackwards).toBe(1);
    expect((await bench.records("play")).map(({ seq }) => seq)).toEqual([9, 10]);
  });

  test("a welcome that acknowledges unused numbers deletes nothing and starts a new log", async () => {
    const bench = await started();
    for (let n = 0; n < 5; n += 1) await bench.outbox.append(record("play", n));
    await bench.outbox.close();
    // The end of the file is lost unnoticed: the cloud has stored up to 9, and 6 to 8 are used again.
    await bench.start();
    const before = bench.outbox.log;
    for (let n = 5; n < 8; n += 1) await bench.outbox.append(record("play", n));
    await bench.outbox.stored({ play: 9 }, true);
    expect(bench.outbox.log).not.toBe(before);
    expect(await bench.records("play")).toHaveLength(8);
    expect(bench.incidents).toMatchObject([{ kind: "new-log", stream: "play", claimed: 9 }]);
    await bench.outbox.close();
    const { log } = bench.outbox;
    await bench.start();
    expect(bench.outbox.log).toBe(log);
  });

  test("one above everything sent in the session is ignored and counted", async () => {
    const bench = await started();
    for (let n = 0; n < 5; n += 1) await bench.outbox.append(record("play", n));
    const { log } = bench.outbox;
    expect(await bench.records("play")).toHaveLength(5);
    await bench.outbox.stored({ play: 900 });
    expect(bench.outbox.log).toBe(log);
    expect(bench.incidents).toEqual([]);
    expect(bench.outbox.status().counters.acksBeyond).toBe(1);
    await bench.outbox.stored({ play: 5 });
    expect(bench.outbox.ranges().play).toEqual({ stored: 5, oldest: 6, newest: 5 });
  });

  test("after a welcome that acknowledges unused numbers, the new log holds only records not sent before", async () => {
    const bench = await started();
    for (let n = 0; n < 5; n += 1) await bench.outbox.append(record("play", n));
    expect(await bench.records("play")).toHaveLength(5);
    await bench.outbox.append(record("play", 5));
    await bench.outbox.stored({ play: 900 }, true);
    expect((await bench.records("play")).map(({ body }) => body["n"])).toEqual([5]);
    expect(bench.incidents).toMatchObject([{ kind: "new-log", claimed: 900 }]);
  });

  test("one that is lost in a crash causes a repetition, not a loss", async () => {
    const bench = await started();
    for (let n = 0; n < 5; n += 1) await bench.outbox.append(record("play", n));
    await bench.records("play");
    await bench.outbox.stored({ play: 3 });
    bench.crash();
    await bench.start();
    expect(await bench.records("play")).toHaveLength(5);
    await bench.outbox.stored({ play: 3 });
    expect(await bench.records("play")).toHaveLength(2);
  });

  test("a record the cloud rejects is dropped, counted and reported", async () => {
    const bench = await started();
    for (let n = 0; n < 5; n += 1) await bench.outbox.append(record("event", n));
    await bench.outbox.flush();
    await bench.records("event");
    await bench.outbox.rejected("event", 3, "record.malformed", "no such kind");
    await bench.outbox.rejected("event", 3, "record.malformed", "said twice");
    await bench.outbox.rejected("event", 99, "record.malformed", "never handed out");
    await bench.time.advance(2_000);
    expect((await bench.records("event")).map(({ seq }) => seq)).toEqual([1, 2, 4, 5]);
    expect(await bench.gaps()).toEqual([{ stream: "event", reason: "rejected", from: 3, to: 3, count: 1 }]);
    expect(bench.outbox.status().counters.rejectedByCloud).toBe(1);
  });

  test("the losses of a gap record that the cloud rejects are reported by the next one", async () => {
    const bench = await started();
    for (let n = 0; n < 5; n += 1) await bench.outbox.append(record("play", n));
    await bench.records("play");
    await bench.outbox.rejected("play", 2, "record.malformed", "no such kind");
    await bench.time.advance(2_000);
    const [told] = await bench.records("alarm");
    expect(told).toMatchObject({ kind: "gap", body: { stream: "play", from: 2, to: 2, count: 1 } });
    await bench.outbox.rejected("alarm", told?.seq ?? 0, "record.malformed", "no such kind");
    await bench.time.advance(2_000);
    const again = await bench.gaps();
    expect(again).toHaveLength(2);
    expect(again).toContainEqual({ stream: "play", reason: "rejected", from: 2, to: 2, count: 1 });
    expect(again).toContainEqual({ stream: "alarm", reason: "rejected", from: 1, to: 1, count: 1 });
  });
});

describe("batches", () => {
  test("a batch makes a valid frame, cut at the limits and reproducibly", async () => {
    const bench = await started();
    for (let n = 0; n < 50; n += 1) await bench.outbox.append(record("play", n, { body: { n, text: "ä".repeat(n) } }));
    const limits = { recordsMax: 7, bytesMax: 1_000 };
    const cut = async (): Promise<number[]> => {
      const lasts: number[] = [];
      for (let after = 0; ; ) {
        const batch = await bench.outbox.read("play", after, limits);
        if (batch === undefined) return lasts;
        const { stream, boot, clock, recordsJson } = batch;
        const frame = `{"t":"records","stream":"${stream}","log":"${bench.outbox.log}","boot":"${boot}","clock":"${clock}","records":${recordsJson}}`;
        expect(decodeDeviceMessage(frame).ok).toBe(true);
        expect(batch.count).toBeLessThanOrEqual(7);
        expect(batch.bytes).toBe(utf8(recordsJson).length);
        expect(batch.bytes).toBeLessThanOrEqual(1_000);
        lasts.push(batch.last);
        after = batch.last;
      }
    };
    const first = await cut();
    expect(first.at(-1)).toBe(50);
    bench.crash();
    await bench.start();
    expect(await cut()).toEqual(first);
  });

  test("a batch holds records of one boot only", async () => {
    const bench = await started();
    await bench.outbox.append(record("play", 1));
    bench.crash();
    await bench.start("boot-2");
    await bench.outbox.append(record("play", 2));
    const limits = { recordsMax: 100, bytesMax: 1e6 };
    expect(await bench.outbox.read("play", 0, limits)).toMatchObject({ boot: "boot-1", count: 1 });
    expect(await bench.outbox.read("play", 1, limits)).toMatchObject({ boot: "boot-2", count: 1 });
  });
});

describe("repetitions", () => {
  test("a repeated dedupe key is answered with the first number: while it is written, after a restart, and once acknowledged", async () => {
    const bench = await started();
    const again = record("play", 1, { dedupeKey: "page-7", source: "page" });
    const [first, second] = await Promise.all([seqOf(bench.outbox.append(again)), seqOf(bench.outbox.append(again))]);
    expect([first, second]).toEqual([1, 1]);
    expect(await seqOf(bench.outbox.append(again))).toBe(1);
    bench.crash();
    await bench.start();
    expect(await seqOf(bench.outbox.append(again))).toBe(1);
    await bench.records("play");
    await bench.outbox.stored({ play: 1 });
    await bench.outbox.flush();
    bench.crash();
    await bench.start();
    expect(await seqOf(bench.outbox.append(again))).toBe(1);
    expect(await seqOf(bench.outbox.append({ ...again, source: "gpio" }))).toBe(2);
    expect(await seqOf(bench.outbox.append({ ...again, dedupeKey: "page-8" }))).toBe(3);
  });

  test("the dedupe key of a refused record can be used again", async () => {
    const disk: { refuse: boolean } = { refuse: true };
    const bench = await started({ behaviour: { refuse: () => (disk.refuse ? { code: "storage.full", message: "no room" } : undefined) } });
    const one = record("play", 1, { dedupeKey: "k" });
    expect(await codeOf(bench.outbox.append(one))).toBe("outbox.full");
    disk.refuse = false;
    expect(await codeOf(bench.outbox.append(one))).toBe("ok");
  });
});

test("dropped records are counted by stream, whatever the reason", async () => {
  const bench = new OutboxBench({ limits: { rateOf: (source) => ({ burst: source === "page" ? 1 : 1e9, perSecond: 1 }) } });
  await bench.start();
  const append = (stream: Stream, source: string) => bench.outbox.append({ stream, kind: "page", body: {}, source });
  for (let n = 0; n < 3; n += 1) await append("play", "agent");
  await bench.outbox.read("play", 0, { recordsMax: 10, bytesMax: 1e6 });
  for (const seq of [1, 2]) await bench.outbox.rejected("play", seq, "record.invalid", "never");
  // Already dropped: counted once.
  await bench.outbox.rejected("play", 2, "record.invalid", "never");
  for (let n = 0; n < 3; n += 1) await append("event", "page");
  expect(bench.outbox.status().counters.dropped).toEqual({ outcome: 0, alarm: 0, play: 2, event: 2, metric: 0 });
});
