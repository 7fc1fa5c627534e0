import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { DURABLE_STREAMS, STREAMS, type Stream } from "../../protocol/records.ts";
import type { ClockSegments } from "./clock-segments.ts";
import { gapBody, lossToldBy, type GapLedger, type Loss } from "./gap-ledger.ts";
import type { Counters } from "./outbox-counters.ts";
import { evictableFor, type OutboxLimits } from "./outbox-limits.ts";
import type { GapEntry, NewRow, OutboxChange, OutboxStore, StoredRow } from "./outbox-store.ts";
import type { PendingRecord } from "./pending-queue.ts";
import type { StreamNumbers } from "./stream-numbers.ts";

/** Shared state of one outbox. `store` may be replaced between two calls. */
export interface WriterState {
  store: OutboxStore;
  readonly numbers: StreamNumbers;
  readonly segments: ClockSegments;
  readonly ledger: GapLedger;
  readonly counters: Counters;
  readonly limits: OutboxLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/** Outcome of writing a group of records. */
export interface Written {
  readonly written: readonly PendingRecord[];
  readonly left: readonly PendingRecord[];
  /** Why some records were not written. */
  readonly issue?: Issue;
}

/** Most eviction rounds for one group before its write fails. Each aims to free at least `evictBytes`. */
const EVICT_ROUNDS_MAX = 64;

/** Writes groups of records, makes room for them, and deletes acknowledged ones. One call at a time. */
export class OutboxWriter {
  readonly #state: WriterState;
  #unsavedAcks: Partial<Record<Stream, number>> = {};
  #unsavedAckRows = 0;

  constructor(state: WriterState) {
    this.#state = state;
  }

  get unsavedAckRows(): number {
    return this.#unsavedAckRows;
  }

  /** The cloud acknowledged `rows` more records, up to `upTo`: the next commit deletes them. */
  acknowledged(stream: Stream, upTo: number, rows: number): void {
    this.#unsavedAcks[stream] = upTo;
    this.#unsavedAckRows += rows;
  }

  /** For a new log, in which acknowledgements of the old one mean nothing. */
  forgetAcks(): void {
    this.#unsavedAcks = {};
    this.#unsavedAckRows = 0;
  }

  /**
   * Writes `records` and everything else unsaved in one commit and one sync. When there is no room, writes stream by
   * stream, each evicting records of its own stream and of those worth less.
   * Returns which records are on disk, and why the others are not.
   */
  async write(records: readonly PendingRecord[]): Promise<Written> {
    const isStale = ({ replaces }: PendingRecord): boolean => replaces !== undefined && replaces.store !== this.#state.store;
    // The store it was read from has been replaced; writing it here as well would duplicate it.
    for (const { waiter } of records.filter(isStale)) waiter?.resolve(fail("outbox.moved", "the store was replaced before the record could be moved"));
    return this.#write(records.filter((record) => !isStale(record)));
  }

  async #write(records: readonly PendingRecord[]): Promise<Written> {
    const whole = await this.#commitRows(records, true);
    if (whole.ok) return { written: records, left: [] };
    if (whole.error.code !== "storage.full") return { written: [], left: records, issue: whole.error };
    const written: PendingRecord[] = [];
    // Nothing is evicted for a record that already has a place.
    const left: PendingRecord[] = records.filter(({ replaces }) => replaces !== undefined);
    let issue: Issue = whole.error;
    for (const stream of STREAMS) {
      const ofStream = records.filter((record) => record.stream === stream && record.replaces === undefined);
      if (ofStream.length === 0 && !(stream === "alarm" && this.#state.ledger.due().length > 0)) continue;
      const done = await this.#writeMakingRoom(stream, ofStream);
      (done.ok ? written : left).push(...ofStream);
      if (!done.ok) issue = done.error;
    }
    return left.length === 0 ? { written, left } : { written, left, issue };
  }

  /** Drops a row the cloud will never accept. Returns how many it dropped: none if the row is already gone. */
  async dropRejected(stream: Stream, seq: number): Promise<Result<number>> {
    const found = await this.#state.store.read(stream, { after: seq - 1, upTo: seq, rowsMax: 1, bytesMax: 1 });
    if (!found.ok) return found;
    const { rows, damaged } = found.value;
    if (rows.length + damaged.length === 0) return ok(0);
    const dropped = await this.#drop(stream, [seq], "rejected", toldBy(rows));
    if (dropped.ok) this.#state.counters.rejectedByCloud += dropped.value;
    return dropped;
  }

  /** Drops rows that do not match their checksum. Returns how many it dropped: making room may have evicted the others, and counted them. */
  async dropDamaged(stream: Stream, seqs: readonly number[]): Promise<Result<number>> {
    const dropped = await this.#drop(stream, seqs, "corrupt");
    if (dropped.ok) this.#state.counters.damaged += dropped.value;
    return dropped;
  }

  /** Drops single rows and records the losses, including those (`told`) that only these rows reported. Makes room for that. */
  #drop(stream: Stream, seqs: readonly number[], reason: "rejected" | "corrupt", told: readonly Loss[] = []): Promise<Result<number>> {
    const { store, ledger, numbers, counters } = this.#state;
    return this.#makingRoom(stream, 0, async () => {
      const { oldest } = numbers.range(stream);
      const left = seqs.filter((seq) => seq >= oldest);
      if (left.length === 0) return ok(0);
      const losses = [...left.map((seq): Loss => ({ stream, reason, from: seq, to: seq, count: 1 })), ...told];
      const done = await store.commit({ dropOne: left.map((seq) => ({ stream, seq })), gaps: ledger.preview(losses) }, false);
      if (!done.ok) return done;
      for (const loss of losses) ledger.add(loss);
      counters.dropped[stream] += left.length;
      for (const seq of left) numbers.gone(stream, seq);
      if (stream === "alarm") ledger.carrierLost(left);
      return ok(left.length);
    });
  }

  #writeMakingRoom(stream: Stream, records: readonly PendingRecord[]): Promise<Result<void>> {
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    return this.#makingRoom(stream, bytes, () => this.#commitRows(records, stream === "alarm"));
  }

  /** Tries `change` again while the disk is full and `stream` may evict records. */
  async #makingRoom<T>(stream: Stream, bytes: number, change: () => Promise<Result<T>>): Promise<Result<T>> {
    for (let round = 0; ; round += 1) {
      const done = await change();
      if (done.ok || done.error.code !== "storage.full" || round === EVICT_ROUNDS_MAX) return done;
      const made = await this.#makeRoom(stream, Math.max(this.#state.limits.evictBytes, bytes));
      if (!made.ok) return made;
      if (!made.value) return done;
    }
  }

  /** Evicts the oldest records of the least valuable stream that `stream` may evict. Returns false when there are none. */
  async #makeRoom(stream: Stream, bytes: number): Promise<Result<boolean>> {
    const { store, numbers, ledger, counters, log, limits } = this.#state;
    // Deleting acknowledged records loses nothing.
    if (this.#unsavedAckRows > 0) {
      const letGo = await this.#commitRows([], false);
      return letGo.ok ? ok(true) : letGo;
    }
    for (const victim of evictableFor(stream)) {
      const { oldest, newest } = numbers.range(victim);
      if (oldest > newest) continue;
      const found = await store.read(victim, { after: oldest - 1, upTo: newest, rowsMax: limits.groupRecordsMax, bytesMax: bytes });
      if (!found.ok) return found;
      const { rows, damaged } = found.value;
      const upTo = Math.max(rows.at(-1)?.seq ?? 0, damaged.at(-1) ?? 0);
      if (upTo === 0) {
        // Only holes up to the end: there are no rows, whatever the range says.
        numbers.goneUpTo(victim, newest);
        continue;
      }
      const losses = lossesOf(victim, rows, damaged);
      const dropped = await store.commit({ dropUpTo: { [victim]: upTo }, gaps: ledger.preview(losses) }, false);
      if (!dropped.ok) return dropped;
      for (const loss of losses) ledger.add(loss);
      if (victim === "alarm") ledger.carriersDone(upTo);
      numbers.goneUpTo(victim, upTo);
      counters.evicted[victim] += rows.length;
      counters.dropped[victim] += rows.length + damaged.length;
      counters.damaged += damaged.length;
      log.debug({ stream: victim, upTo, rows: rows.length, for: stream }, "gave up records to make room");
      return ok(true);
    }
    return ok(false);
  }

  /** One commit: the records, gap records that are due, and everything unsaved. On failure nothing has changed. */
  async #commitRows(records: readonly PendingRecord[], withGaps: boolean): Promise<Result<void>> {
    const { store, numbers, segments, ledger, counters, clock } = this.#state;
    const gaps: GapEntry[] = withGaps ? ledger.due() : [];
    const monoMs = Math.floor(clock.monotonicMs());
    const segment = gaps.length === 0 ? 0 : segments.at(clock.wallMs(), monoMs).id;
    for (const record of records) if (DURABLE_STREAMS.has(record.stream)) record.seq = numbers.give(record.stream);
    const gapRows = gaps.map((entry): NewRow => {
      const seq = numbers.give("alarm");
      ledger.told(entry, seq);
      return { stream: "alarm", seq, kind: "gap", segment, monoMs, body: JSON.stringify(gapBody(entry)) };
    });
    const add: NewRow[] = [...records, ...gapRows];
    const replaced = records.flatMap(({ stream, replaces }) => (replaces === undefined ? [] : [{ stream, seq: replaces.seq }]));
    const acks = this.#takeAcks();
    const change: Required<Pick<OutboxChange, "segments" | "gaps">> & OutboxChange = {
      segments: segments.unsaved(),
      gaps: ledger.unsaved(),
      dropUpTo: acks.upTo,
      dropOne: replaced,
      stored: acks.upTo,
      add,
    };
    const done = await store.commit(change, add.length > 0);
    if (!done.ok) {
      for (const entry of gaps) ledger.untold(entry);
      for (const row of add.toReversed()) if (DURABLE_STREAMS.has(row.stream)) numbers.takeBack(row.stream, row.seq);
      counters.commitFailures += 1;
      this.#unsavedAcks = { ...acks.upTo, ...this.#unsavedAcks };
      this.#unsavedAckRows += acks.rows;
      return done;
    }
    counters.commits += 1;
    for (const row of add) numbers.onDisk(row.stream, row.seq);
    for (const { stream, seq } of replaced) numbers.gone(stream, seq);
    segments.saved(change.segments);
    ledger.saved(change.gaps);
    return done;
  }

  #takeAcks(): { readonly upTo: Partial<Record<Stream, number>>; readonly rows: number } {
    const taken = { upTo: this.#unsavedAcks, rows: this.#unsavedAckRows };
    this.forgetAcks();
    return taken;
  }
}

/** Losses from evicting these rows: the rows themselves, and again the losses reported by gap records among them. */
function lossesOf(stream: Stream, rows: readonly StoredRow[], damaged: readonly number[]): Loss[] {
  const losses: Loss[] = [];
  const first = rows[0];
  const last = rows.at(-1);
  if (first !== undefined && last !== undefined) losses.push({ stream, reason: "quota", from: first.seq, to: last.seq, count: rows.length });
  for (const seq of damaged) losses.push({ stream, reason: "corrupt", from: seq, to: seq, count: 1 });
  return [...losses, ...toldBy(rows)];
}

/** Losses reported by gap records among the rows: nothing else reports them, so dropping the rows makes them unreported again. */
function toldBy(rows: readonly StoredRow[]): Loss[] {
  return rows.flatMap((row) => (row.kind === "gap" ? (lossToldBy(row.body) ?? []) : []));
}

