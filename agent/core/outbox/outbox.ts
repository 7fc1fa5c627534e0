import type { ClockQuality } from "../../../platform/ports/clock.ts";
import { fail, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { DURABLE_STREAMS, STREAMS, type Stream } from "../../protocol/records.ts";
import type { Backlog, Batch, StreamRange } from "./backlog.ts";
import type { EventSink, NewRecord } from "./event-sink.ts";
import { joinRecords, RECORD_OVERHEAD_BYTES } from "./join-records.ts";
import type { OutboxDeps, OutboxIncident } from "./outbox-deps.ts";
import type { OutboxCounters } from "./outbox-counters.ts";
import { OUTBOX_LIMITS, type OutboxLimits } from "./outbox-limits.ts";
import { RECENT_KEYS_MAX, type StoreUsage } from "./outbox-store.ts";
import { PendingQueue, type PendingRecord } from "./pending-queue.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { checkRecord } from "./record-check.ts";
import { RecentKeys } from "./recent-keys.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import { StoreKeeper } from "./store-keeper.ts";
import { SoonestTimer } from "./soonest-timer.ts";

/** Figures for status pages. */
export interface OutboxStatus {
  readonly log: string;
  readonly degraded?: Issue;
  readonly ranges: Readonly<Record<Stream, StreamRange>>;
  readonly usage: StoreUsage;
  readonly pendingRecords: number;
  readonly counters: OutboxCounters;
}

/** Retry schedule after a failed write. */
const RETRY: RetryPolicy = { firstMs: 500, factor: 2, capMs: 30_000, floorMs: 250 };

/**
 * The persistent queue of records for the cloud. An accepted record is lost only under a stated limit, and every
 * loss is counted and reported by gap records.
 *
 * Records are committed in groups: while one group is synced the next one collects, so one sync serves all
 * waiting callers. The drain sees a sequence number only once it is on disk, so none is ever used twice.
 */
export class Outbox implements EventSink, Backlog {
  readonly #deps: OutboxDeps;
  readonly #limits: OutboxLimits;
  readonly #keeper: StoreKeeper;
  readonly #pending: PendingQueue;
  readonly #rates: RateLimiter;
  readonly #keys: RecentKeys;
  readonly #keysPending = new Map<string, Promise<Result<{ readonly seq: number }>>>();
  readonly #serial = new OneAtATime();
  readonly #appended: Emitter<Stream>;
  readonly #timer: SoonestTimer;
  /** By stream: the damaged records that could not be dropped, and why, as logged. */
  readonly #stuck = new Map<Stream, string>();
  #flushing: Promise<void> | undefined;
  #failures = 0;
  #closed = false;

  /** Opens the store whatever state it is in. `onIncident` is called for damage found, including by this opening. */
  static async open(deps: OutboxDeps, onIncident: (incident: OutboxIncident) => void): Promise<Outbox> {
    const limits = { ...OUTBOX_LIMITS, ...deps.limits };
    const pending = new PendingQueue(limits.pendingRecordsMax, limits.pendingBytesMax);
    const keeper = await StoreKeeper.open(deps, limits, pending, onIncident);
    return new Outbox(deps, limits, keeper, pending);
  }

  private constructor(deps: OutboxDeps, limits: OutboxLimits, keeper: StoreKeeper, pending: PendingQueue) {
    this.#deps = deps;
    this.#limits = limits;
    this.#keeper = keeper;
    this.#pending = pending;
    this.#rates = new RateLimiter(deps.clock, limits.rateOf);
    this.#keys = new RecentKeys(RECENT_KEYS_MAX, keeper.keys);
    this.#appended = Emitter.logged(deps.log, "the outbox");
    this.#timer = new SoonestTimer(deps.clock, deps.timers, "outbox.flush", () => this.#flush());
    if (keeper.state.ledger.due().length > 0) this.#timer.within(limits.gapDelayMs);
    if (keeper.degraded !== undefined) this.#timer.within(limits.recoverEveryMs);
  }

  get log(): string {
    return this.#keeper.log;
  }

  async append(record: NewRecord): Promise<Result<{ readonly seq: number }>> {
    const { dedupeKey } = record;
    if (dedupeKey === undefined) return this.#append(record, undefined);
    // Each source has its own key space, so that none can make another's record look like a duplicate.
    const key = `${record.source}/${dedupeKey}`;
    const seq = this.#keys.find(key);
    const known = seq === undefined ? this.#keysPending.get(key) : Promise.resolve(ok({ seq }));
    if (known !== undefined) {
      this.#keeper.state.counters.duplicates += 1;
      return known;
    }
    const appending = this.#append(record, key);
    this.#keysPending.set(key, appending);
    try {
      const result = await appending;
      if (result.ok) this.#keys.add(key, result.value.seq);
      return result;
    } finally {
      this.#keysPending.delete(key);
    }
  }

  ranges(): Readonly<Record<Stream, StreamRange>> {
    return this.#keeper.state.numbers.ranges();
  }

  async read(stream: Stream, after: number, limits: { readonly recordsMax: number; readonly bytesMax: number }): Promise<Batch | undefined> {
    const { log } = this;
    for (;;) {
      const { store, numbers, segments } = this.#keeper.state;
      const { oldest, newest } = numbers.range(stream);
      const from = Math.max(after, oldest - 1);
      if (this.#closed || from >= newest) return undefined;
      const range = { after: from, upTo: newest, rowsMax: limits.recordsMax, bytesMax: limits.bytesMax };
      const found = await store.read(stream, range);
      if (this.log !== log) return undefined;
      if (!found.ok) {
        await this.#serial.run(() => this.#keeper.cure(found.error, store, []));
        return undefined;
      }
      const { rows: sound, damaged } = found.value;
      const isDropped = damaged.length === 0 || (await this.#dropDamaged(log, stream, damaged));
      // The store was replaced meanwhile: the same numbers stand for other records now.
      if (this.log !== log) return undefined;
      // Records above one that is lost and not yet noted as lost would hide the loss.
      const rows = isDropped ? sound : sound.filter(({ seq }) => damaged.every((lost) => seq < lost));
      if (rows.length > 0) {
        const batch = joinRecords(stream, rows, segments, limits.bytesMax);
        numbers.handedOut(stream, batch.last);
        return batch;
      }
      if (!isDropped) return undefined;
      if (damaged.length > 0) continue;
      numbers.nothingAbove(stream, from, newest);
      return undefined;
    }
  }

  async stored(upTo: Partial<Readonly<Record<Stream, number>>>, atWelcome = false): Promise<void> {
    const { numbers, counters } = this.#keeper.state;
    for (const stream of STREAMS) {
      const claimed = upTo[stream];
      if (claimed === undefined) continue;
      const judgement = numbers.judgeAck(stream, claimed);
      if (judgement === "beyond") {
        counters.acksBeyond += 1;
        // Within a session the cloud cannot know more than was sent in it: this says nothing about the file.
        if (!atWelcome) continue;
        // The claim covers what this process already sent; sent again in a new log, the cloud would have it twice.
        this.#letGo(stream, Math.min(claimed, numbers.readHere(stream)));
        await this.#serial.run(() => this.#keeper.startNewLog(stream, claimed));
        this.#announceAll();
        return;
      }
      if (judgement === "backwards") counters.acksBackwards += 1;
      if (judgement === "news") this.#letGo(stream, claimed);
    }
    if (this.#keeper.writer.unsavedAckRows >= this.#limits.ackRecordsMax) await this.flush();
    else if (this.#keeper.writer.unsavedAckRows > 0) this.#timer.within(this.#limits.ackDelayMs);
  }

  #letGo(stream: Stream, upTo: number): void {
    const { numbers, ledger } = this.#keeper.state;
    const { stored, oldest } = numbers.range(stream);
    if (upTo <= stored) return;
    numbers.stored(stream, upTo);
    this.#keeper.writer.acknowledged(stream, upTo, Math.max(0, upTo - oldest + 1));
    if (stream === "alarm" && ledger.carriersDone(upTo)) this.#timer.within(this.#limits.gapDelayMs);
  }

  async rejected(stream: Stream, seq: number, code: string, message: string): Promise<void> {
    const { log } = this;
    const { numbers } = this.#keeper.state;
    const { oldest } = numbers.range(stream);
    if (seq < oldest || numbers.judgeAck(stream, seq) === "beyond") return;
    const rejected = { stream, seq, code, message: message.slice(0, 200) };
    const dropped = await this.#serial.run(() => this.#keeper.drop(log, (writer) => writer.dropRejected(stream, seq)));
    if (dropped.ok) this.#deps.log.warn(rejected, "the cloud rejected a record for good; it was dropped");
    else this.#deps.log.error({ ...rejected, issue: dropped.error }, "the cloud rejected a record for good; it could not be dropped and will be sent again");
    this.#timer.within(this.#limits.gapDelayMs);
  }

  async defer(stream: Stream, seq: number): Promise<number | undefined> {
    const { store, numbers } = this.#keeper.state;
    const found = await store.read(stream, { after: seq - 1, upTo: seq, rowsMax: 1, bytesMax: 1 });
    const row = found.ok ? found.value.rows[0] : undefined;
    if (this.#closed || row === undefined) return undefined;
    const { kind, body, bytes, monoMs, segment } = row;
    const moved = await new Promise<Result<{ readonly seq: number }>>((resolve, reject) => {
      const given = DURABLE_STREAMS.has(stream) ? 0 : numbers.give(stream);
      const replaces = { seq, store };
      this.#pending.push({ stream, seq: given, kind, body, bytes: bytes + RECORD_OVERHEAD_BYTES, monoMs, segment, source: "", replaces, waiter: { resolve, reject } });
      this.#flush();
    });
    return moved.ok ? moved.value.seq : undefined;
  }

  onAppended(listener: (stream: Stream) => void): () => void {
    return this.#appended.on(listener);
  }

  /**
   * The quality of the wall clock changed. At `synced`, the wall times of this boot's earlier records are
   * corrected, including those of earlier processes and those already sent.
   */
  async clockQuality(quality: ClockQuality): Promise<void> {
    const { segments } = this.#keeper.state;
    if (quality !== "synced") return segments.unsynced(quality);
    segments.synced(this.#deps.clock.wallMs(), this.#deps.clock.monotonicMs());
    await this.flush();
  }

  status(): OutboxStatus {
    const { counters, store } = this.#keeper.state;
    const degraded = this.#keeper.degraded;
    return {
      log: this.log,
      ...(degraded === undefined ? {} : { degraded }),
      ranges: this.ranges(),
      usage: store.usage(),
      pendingRecords: this.#pending.size,
      counters: counters.snapshot(),
    };
  }

  /** Tries to write all pending records. Resolves after the attempt; `status().pendingRecords` gives what is left. */
  async flush(): Promise<void> {
    this.#flush();
    await this.#flushing;
  }

  /** Writes pending records and closes the store. Records offered afterwards are refused with `outbox.closed`. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.flush();
    this.#timer.cancel();
    await this.#serial.run(() => this.#keeper.close());
  }

  #append(record: NewRecord, dedupeKey: string | undefined): Promise<Result<{ readonly seq: number }>> {
    const { clock } = this.#deps;
    const { counters, numbers, segments } = this.#keeper.state;
    const monoMs = clock.monotonicMs();
    const refusal = this.#refusal(record);
    if (refusal !== undefined) return this.#refuse(record, refusal);
    const body = checkRecord(record);
    if (!body.ok) return this.#refuse(record, body.error);
    if (!this.#pending.hasRoomFor(body.value.bytes)) {
      const tooMany: Issue = { code: "outbox.full", message: "too many records are waiting to be written to disk" };
      return this.#refuse(record, this.#failures > 0 ? diskIssue(this.#keeper.lastIssue) : tooMany);
    }
    const segment = segments.at(clock.wallMs(), monoMs).id;
    const base = {
      stream: record.stream,
      kind: record.kind,
      body: body.value.text,
      bytes: body.value.bytes + RECORD_OVERHEAD_BYTES,
      monoMs: Math.floor(monoMs),
      segment,
      source: record.source,
      ...(dedupeKey === undefined ? {} : { dedupeKey }),
    };
    counters.accepted[record.stream] += 1;
    if (!DURABLE_STREAMS.has(record.stream)) {
      const later = { ...base, seq: numbers.give(record.stream) };
      if (record.onceOnDisk === true) return new Promise((resolve, reject) => this.#pushLater({ ...later, patient: { resolve, reject } }));
      this.#pushLater(later);
      return Promise.resolve(ok({ seq: later.seq }));
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...base, seq: 0, waiter: { resolve, reject } });
      this.#flush();
    });
  }

  /** Queues a record that need not be on disk at once; it is committed with others. */
  #pushLater(record: PendingRecord): void {
    this.#pending.push(record);
    if (this.#pending.bytes > this.#limits.groupBytesMax && this.#failures === 0) this.#flush();
    else this.#timer.within(this.#limits.flushDelayMs);
  }

  #refusal(record: NewRecord): Issue | undefined {
    if (this.#closed) return { code: "outbox.closed", message: "the outbox is closed" };
    if (this.#rates.take(record.source)) return undefined;
    const hint = "Send less often, or put several facts into one record.";
    return { code: "outbox.rate-limited", message: `${record.source} exceeds its rate limit`, hint };
  }

  async #refuse(record: NewRecord, issue: Issue): Promise<Result<{ readonly seq: number }>> {
    const { counters, ledger } = this.#keeper.state;
    counters.refuse(issue.code);
    const reason = GAP_REASONS[issue.code];
    if (reason !== undefined) {
      counters.dropped[record.stream] += 1;
      ledger.add({ stream: record.stream, reason, count: 1, ...(reason === "rate" ? { source: this.#rates.nameOf(record.source) } : {}) });
      if (!this.#closed) this.#timer.within(this.#failures > 0 ? this.#limits.recoverEveryMs : this.#limits.gapDelayMs);
    }
    return { ok: false, error: issue };
  }

  #flush(): void {
    if (this.#flushing !== undefined) return;
    this.#flushing = this.#flushAll();
    // An exception here is a bug; callers awaiting `flush` get it, and the waiters of its group already did.
    this.#flushing.catch((error: unknown) => this.#deps.log.error({ error }, "writing the outbox threw"));
  }

  async #flushAll(): Promise<void> {
    // Includes everything appended in this turn of the event loop in the first group.
    await Promise.resolve();
    try {
      this.#timer.cancel();
      let unsettled = this.#pending.size;
      do {
        const group = this.#pending.take(this.#limits.groupRecordsMax, this.#limits.groupBytesMax);
        unsettled -= group.length;
        const settled = await this.#serial.run(() => this.#writeGroup(group));
        // The retry is scheduled, but callers that arrived meanwhile and wait need an answer now.
        if (!settled && !this.#pending.awaited) return;
      } while (unsettled > 0 || this.#pending.awaited || this.#pending.bytes > this.#limits.groupBytesMax);
      if (this.#pending.size > 0) this.#timer.within(this.#limits.flushDelayMs);
    } finally {
      // In the same turn as the last check of the queue: any later append starts a new flush.
      this.#flushing = undefined;
    }
  }

  /** Returns false when the write failed and nothing more can be written before the scheduled retry. */
  async #writeGroup(group: PendingRecord[]): Promise<boolean> {
    try {
      const newestAlarm = this.ranges().alarm.newest;
      const done = await this.#keeper.write(group);
      this.#settle(done.written);
      // Gap records are not appended by a caller: without this they would not be sent until the next append.
      if (this.ranges().alarm.newest > newestAlarm) this.#appended.emit("alarm");
      if (done.issue === undefined) {
        if (this.#failures > 0 || done.written.length > 0) this.#keeper.writeRecovered();
        this.#failures = 0;
        return true;
      }
      this.#giveUp(done.left, done.issue);
      if (done.issue.code === "storage.full" && this.#pending.size > 0) return true;
      if (done.issue.code !== "storage.full") this.#failures += 1;
      this.#timer.within(retryDelayMs(RETRY, this.#failures, this.#deps.random));
      return false;
    } catch (bug) {
      for (const { waiter, patient } of group) (waiter ?? patient)?.reject(bug);
      throw bug;
    }
  }

  #settle(written: readonly PendingRecord[]): void {
    const streams = new Set<Stream>();
    for (const record of written) {
      (record.waiter ?? record.patient)?.resolve(ok({ seq: record.seq }));
      // A moved record is not a new one.
      if (record.replaces === undefined) streams.add(record.stream);
    }
    for (const stream of streams) this.#appended.emit(stream);
  }

  /** Fails waiting callers. Accepted records are kept for the retry, or counted as lost when there is no room. */
  #giveUp(left: readonly PendingRecord[], issue: Issue): void {
    const { ledger, counters } = this.#keeper.state;
    const full = issue.code === "storage.full";
    const kept: PendingRecord[] = [];
    for (const record of left) {
      if (record.replaces !== undefined) {
        // Not lost: it is still at its old number.
        record.waiter?.resolve({ ok: false, error: diskIssue(issue) });
        continue;
      }
      if (record.waiter === undefined && !full) {
        kept.push(record);
        continue;
      }
      const numbered = DURABLE_STREAMS.has(record.stream) ? {} : { from: record.seq, to: record.seq };
      counters.accepted[record.stream] -= 1;
      counters.refuse(full ? "outbox.full" : "outbox.disk");
      counters.dropped[record.stream] += 1;
      ledger.add({ stream: record.stream, reason: full ? "quota" : "disk-error", count: 1, ...numbered });
      (record.waiter ?? record.patient)?.resolve(full ? NO_ROOM : { ok: false, error: diskIssue(issue) });
    }
    this.#pending.putBack(kept);
  }

  /** Resolves to `false` while the disk does not take the loss. */
  async #dropDamaged(log: string, stream: Stream, damaged: readonly number[]): Promise<boolean> {
    const dropped = await this.#serial.run(() => this.#keeper.drop(log, (writer) => writer.dropDamaged(stream, damaged)));
    if (this.log !== log) return false;
    const found = { stream, seqs: damaged.slice(0, 10), count: damaged.length };
    if (!dropped.ok) {
      // Asked again every few seconds.
      const stuck = JSON.stringify([found, dropped.error.code]);
      if (stuck !== this.#stuck.get(stream)) this.#deps.log.error({ ...found, issue: dropped.error }, "records do not match their checksum and could not be dropped; their stream waits");
      this.#stuck.set(stream, stuck);
      return false;
    }
    this.#stuck.delete(stream);
    this.#deps.log.error(found, "records do not match their checksum; dropped");
    this.#timer.within(this.#limits.gapDelayMs);
    return true;
  }

  #announceAll(): void {
    for (const stream of STREAMS) this.#appended.emit(stream);
  }
}

const NO_ROOM = fail("outbox.full", "the queue is full of records of equal or higher priority");

/** Refusals reported as losses. Invalid records, and records after closing, are not. */
const GAP_REASONS: Readonly<Record<string, "rate" | "quota" | "disk-error">> = {
  "outbox.rate-limited": "rate",
  "outbox.full": "quota",
  "outbox.disk": "disk-error",
};

function diskIssue(issue: Issue | undefined): Issue {
  return { code: "outbox.disk", message: `the disk refused the write: ${issue?.message ?? "unknown cause"}` };
}
