import { expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import type { DrainSession, SessionDrain } from "../cloud/drain-port.ts";
import type { Limits } from "../../protocol/cloud-messages.ts";
import { decodeDeviceMessage } from "../../protocol/codec.ts";
import type { DeviceMessageOf } from "../../protocol/device-messages.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import { drainFactory } from "./drain.ts";
import { perStream } from "./per-stream.ts";
import { OutboxBench } from "./testing/outbox-bench.ts";

/** A cloud that accepts frames and acknowledges them on request. */
class ScriptedCloud {
  readonly frames: DeviceMessageOf<"records">[] = [];
  readonly bench: OutboxBench;
  readonly stored = perStream(() => 0);
  buffered = 0;
  takes = true;
  #drain: SessionDrain | undefined;
  #end = new AbortController();
  running: Promise<void> = Promise.resolve();

  constructor(bench: OutboxBench) {
    this.bench = bench;
  }

  /** Starts a session as the link does. */
  connect(limits: Limits = {}): void {
    const { outbox, time } = this.bench;
    const ranges = outbox.ranges();
    this.#end = new AbortController();
    const session: DrainSession = {
      session: "s",
      replayUpTo: perStream((stream) => ranges[stream].newest),
      limits,
      sendFrame: (frame) => this.#take(frame),
      bufferedBytes: () => this.buffered,
    };
    this.#drain = drainFactory({ backlog: outbox, clock: time, timers: time, log: silentLog })(session);
    this.running = this.#drain.run(this.#end.signal);
  }

  async disconnect(): Promise<void> {
    this.#end.abort();
    await this.running;
  }

  /** Acknowledges as the link does. */
  async ack(upTo: Partial<Record<Stream, number>> = this.stored): Promise<void> {
    await this.bench.outbox.stored(upTo);
    this.#drain?.stored(upTo);
  }

  limit(limits: Limits): void {
    this.#drain?.limited(limits);
  }

  /** `stream first-last`, with an `r` for replays. */
  sent(): string[] {
    return this.frames.map(({ stream, records, replay }) => `${stream} ${records[0]?.seq}-${records.at(-1)?.seq}${replay === true ? " r" : ""}`);
  }

  #take(frame: string): boolean {
    if (!this.takes) return false;
    const decoded = decodeDeviceMessage(frame);
    if (!decoded.ok || decoded.value.t !== "records") throw new Error(`not a frame of records: ${frame.slice(0, 200)}`);
    this.frames.push(decoded.value);
    this.stored[decoded.value.stream] = decoded.value.records.at(-1)?.seq ?? 0;
    return true;
  }
}

async function withBacklog(counts: Partial<Record<Stream, number>>, text = ""): Promise<{ bench: OutboxBench; cloud: ScriptedCloud }> {
  const bench = new OutboxBench();
  await bench.start();
  for (const stream of STREAMS.toReversed()) await append(bench, stream, counts[stream] ?? 0, text);
  await bench.outbox.flush();
  return { bench, cloud: new ScriptedCloud(bench) };
}

async function append(bench: OutboxBench, stream: Stream, count: number, text = ""): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => bench.outbox.append({ stream, kind: "page", body: { n, text }, source: "agent" })));
}

test("the backlog is sent in order of priority and marked as replay", async () => {
  const { bench, cloud } = await withBacklog({ outcome: 2, alarm: 1, play: 3, event: 1, metric: 2 });
  cloud.connect();
  await bench.time.advance(0);
  expect(cloud.sent()).toEqual(["outcome 1-2 r", "alarm 1-1 r", "play 1-3 r", "event 1-1 r", "metric 1-2 r"]);
  await cloud.disconnect();
});

test("without a backlog new records are sent at once, not marked as replay", async () => {
  const { bench, cloud } = await withBacklog({});
  cloud.connect();
  await bench.time.advance(0);
  await append(bench, "play", 1);
  await bench.time.advance(0);
  expect(cloud.sent()).toEqual(["play 1-1"]);
  await append(bench, "alarm", 1);
  await bench.time.advance(0);
  expect(cloud.sent()).toEqual(["play 1-1", "alarm 1-1"]);
  await cloud.disconnect();
});

test("replayed and new records do not share a frame", async () => {
  const { bench, cloud } = await withBacklog({ play: 5 });
  cloud.takes = false;
  cloud.connect();
  await bench.time.advance(10);
  await append(bench, "play", 5);
  cloud.takes = true;
  await bench.time.advance(100);
  expect(cloud.sent()).toEqual(["play 1-5 r", "play 6-10"]);
  await cloud.disconnect();
});

test("an urgent record overtakes a backlog waiting for the window", async () => {
  const { bench, cloud } = await withBacklog({ metric: 50 });
  cloud.connect({ windowRecords: 20, batchRecordsMax: 10 });
  await bench.time.advance(0);
  await append(bench, "outcome", 1);
  await bench.time.advance(0);
  expect(cloud.sent()).toEqual(["metric 1-10 r", "metric 11-20 r"]);
  await cloud.ack({ metric: 10 });
  await bench.time.advance(0);
  expect(cloud.sent().slice(2)).toEqual(["outcome 1-1"]);
  await cloud.ack();
  await bench.time.advance(0);
  expect(cloud.sent().slice(3)).toEqual(["metric 21-30 r", "metric 31-40 r"]);
  await cloud.disconnect();
});

test("a cloud that never acknowledges gets one window, and the same frames in the next session", async () => {
  const { bench, cloud } = await withBacklog({ play: 500 });
  cloud.connect({ windowRecords: 100, batchRecordsMax: 30 });
  await bench.time.advance(3_600_000);
  const first = cloud.sent();
  expect(first).toEqual(["play 1-30 r", "play 31-60 r", "play 61-90 r"]);
  await cloud.disconnect();
  cloud.frames.length = 0;
  cloud.connect({ windowRecords: 100, batchRecordsMax: 30 });
  await bench.time.advance(1_000);
  expect(cloud.sent()).toEqual(first);
  await cloud.disconnect();
});

test("a window smaller than a batch limits the batches instead of stalling", async () => {
  const { bench, cloud } = await withBacklog({ play: 10 });
  cloud.connect({ windowRecords: 3 });
  for (let round = 0; round < 10; round += 1) {
    await bench.time.advance(0);
    await cloud.ack();
  }
  expect(cloud.sent()).toEqual(["play 1-3 r", "play 4-6 r", "play 7-9 r", "play 10-10 r"]);
  await cloud.disconnect();
});

test("the byte rate is kept on average, and outcomes wait at most for one second's worth of bytes", async () => {
  const { bench, cloud } = await withBacklog({ play: 400 }, "x".repeat(900));
  cloud.connect({ bytesPerSecond: 10_000 });
  await bench.time.advance(0);
  const startMs = bench.time.monotonicMs();
  await bench.time.advance(10_000);
  const bytes = (): number => cloud.frames.reduce((sum, frame) => sum + JSON.stringify(frame).length, 0);
  expect(bytes()).toBeLessThan(10_000 * 11.5);
  expect(bytes()).toBeGreaterThan(10_000 * 8.5);
  await append(bench, "outcome", 1);
  while (cloud.stored.outcome === 0) await bench.time.advance(50);
  expect(bench.time.monotonicMs() - startMs - 10_000).toBeLessThanOrEqual(1_200);
  cloud.limit({});
  await cloud.ack();
  await bench.time.advance(0);
  expect(cloud.stored.play).toBe(400);
  await cloud.disconnect();
});

test("the drain waits for a slow transport and sends a frame again that it did not take", async () => {
  const { bench, cloud } = await withBacklog({ play: 5 });
  cloud.buffered = 1e6;
  cloud.connect();
  await bench.time.advance(5_000);
  expect(cloud.sent()).toEqual([]);
  cloud.buffered = 0;
  cloud.takes = false;
  await bench.time.advance(1_000);
  cloud.takes = true;
  await bench.time.advance(100);
  expect(cloud.sent()).toEqual(["play 1-5 r"]);
  await cloud.disconnect();
  expect(bench.time.pending().map(({ name }) => name)).not.toContain("drain.wait");
});

test("frames keep to the cloud's limit; a record that is too large waits for another link without blocking later records", async () => {
  const { bench, cloud } = await withBacklog({ event: 20 }, "x".repeat(300));
  await append(bench, "event", 1, "x".repeat(6_000));
  await append(bench, "event", 3, "x".repeat(300));
  await bench.outbox.flush();
  cloud.connect({ frameBytesMax: 4_096 });
  await bench.time.advance(5_000);
  expect(Math.max(...cloud.frames.map((frame) => JSON.stringify(frame).length))).toBeLessThanOrEqual(4_096);
  const seqs = cloud.frames.filter(({ stream }) => stream === "event").flatMap(({ records }) => records.map(({ seq }) => seq));
  expect(seqs).toEqual([...Array.from({ length: 20 }, (_, n) => n + 1), 22, 23, 24]);
  await cloud.ack();
  await bench.time.advance(60_000);
  expect(bench.outbox.ranges().event).toEqual({ stored: 24, oldest: 25, newest: 25 });
  await cloud.disconnect();
  cloud.frames.length = 0;
  // Also after a power cut.
  bench.crash(bench.disk.unsyncedChanges);
  await bench.start("boot-2");
  cloud.connect();
  await bench.time.advance(5_000);
  expect(cloud.sent()).toEqual(["event 25-25 r"]);
  expect(JSON.stringify(cloud.frames[0]?.records[0]?.body)).toHaveLength(6_000 + JSON.stringify({ n: 0, text: "" }).length);
  await cloud.ack();
  expect([bench.outbox.ranges().event, await bench.gaps()]).toEqual([{ stored: 25, oldest: 26, newest: 25 }, []]);
  await cloud.disconnect();
});

test("a record that is too large is moved behind new ones ever less often, and sent at once when the limit is lifted", async () => {
  const { bench, cloud } = await withBacklog({});
  cloud.connect({ frameBytesMax: 4_096 });
  await append(bench, "play", 1, "x".repeat(6_000));
  for (let n = 0; n < 600; n += 1) {
    await append(bench, "play", 1);
    await bench.time.advance(1_000);
    await cloud.ack();
  }
  // It was moved after 1, 2, 4 … 60 s, and no other record waited longer.
  const { stored, newest } = bench.outbox.ranges().play;
  expect(newest).toBeLessThan(620);
  expect(stored).toBeGreaterThan(newest - 80);
  cloud.limit({});
  await bench.time.advance(1_000);
  await cloud.ack();
  expect(cloud.frames.flatMap(({ records }) => records)).toHaveLength(601);
  expect([bench.outbox.ranges().play.oldest > bench.outbox.ranges().play.newest, await bench.gaps()]).toEqual([true, []]);
  await cloud.disconnect();
});

test("many records that are too large are moved at most once a second on average", async () => {
  const { bench, cloud } = await withBacklog({});
  cloud.connect({ frameBytesMax: 4_096 });
  for (let n = 0; n < 120; n += 1) {
    await append(bench, "play", 1, "x".repeat(6_000));
    await append(bench, "play", 1);
    await bench.time.advance(1_000);
    await cloud.ack();
  }
  const moves = bench.outbox.ranges().play.newest - 240;
  expect(moves).toBeGreaterThan(0);
  expect(moves).toBeLessThan(240);
  cloud.limit({});
  for (let n = 0; n < 10; n += 1) {
    await bench.time.advance(1_000);
    await cloud.ack();
  }
  expect(cloud.frames.flatMap(({ records }) => records)).toHaveLength(240);
  expect(await bench.gaps()).toEqual([]);
  await cloud.disconnect();
});

test("a failed move of a large record delays only its own stream and loses nothing", async () => {
  let refuses = false;
  const bench = new OutboxBench({ behaviour: { refuse: (change) => (refuses && (change.dropOne?.length ?? 0) > 0 ? { code: "storage.full", message: "full" } : undefined) } });
  await bench.start();
  await append(bench, "play", 1, "x".repeat(6_000));
  await append(bench, "play", 2);
  await append(bench, "event", 1);
  await bench.outbox.flush();
  refuses = true;
  const cloud = new ScriptedCloud(bench);
  cloud.connect({ frameBytesMax: 4_096 });
  await bench.time.advance(10_000);
  expect(cloud.sent()).toEqual(["event 1-1 r"]);
  refuses = false;
  await bench.time.advance(10_000);
  expect(cloud.sent()).toEqual(["event 1-1 r", "play 2-3 r"]);
  cloud.limit({});
  await bench.time.advance(10_000);
  await cloud.ack();
  expect(cloud.frames.flatMap(({ records }) => records)).toHaveLength(4);
  expect(await bench.gaps()).toEqual([]);
  await cloud.disconnect();
});

test("evicted records are neither sent nor waited for", async () => {
  const bench = new OutboxBench({ bytesMax: 30_000, limits: { evictBytes: 4_000 } });
  await bench.start();
  const cloud = new ScriptedCloud(bench);
  await append(bench, "metric", 40, "x".repeat(400));
  await bench.outbox.flush();
  cloud.connect({ windowRecords: 10, batchRecordsMax: 10 });
  await bench.time.advance(0);
  await append(bench, "play", 45, "x".repeat(400));
  for (let round = 0; round < 20; round += 1) {
    await bench.time.advance(1_000);
    await cloud.ack();
  }
  expect(cloud.stored.play).toBe(45);
  expect(bench.outbox.ranges().metric.oldest).toBeGreaterThan(bench.outbox.ranges().metric.newest);
  await cloud.disconnect();
});

test("a new log ends the session", async () => {
  const { bench, cloud } = await withBacklog({ play: 5 });
  cloud.connect();
  await bench.time.advance(0);
  const ended = cloud.running.then(
    () => "ended",
    (error: unknown) => String(error),
  );
  await bench.outbox.stored({ play: 99 }, true);
  await bench.time.advance(0);
  expect(await ended).toMatch(/new log/);
});

test("a large backlog is sent completely, each record once, in order", async () => {
  const { bench, cloud } = await withBacklog({ outcome: 30, play: 3_000, metric: 2_000 });
  cloud.connect();
  for (let round = 0; round < 40; round += 1) {
    await bench.time.advance(10);
    await cloud.ack();
  }
  for (const [stream, count] of [["outcome", 30], ["play", 3_000], ["metric", 2_000]] as const) {
    const seqs = cloud.frames.filter((frame) => frame.stream === stream).flatMap(({ records }) => records.map(({ seq }) => seq));
    expect(seqs).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  }
  expect(bench.outbox.ranges().play).toEqual({ stored: 3_000, oldest: 3_001, newest: 3_000 });
  await cloud.disconnect();
});
