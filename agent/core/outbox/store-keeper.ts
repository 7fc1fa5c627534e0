import { fail, type Issue, type Result } from "../../../platform/ports/result.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { DURABLE_STREAMS, STREAMS, type Stream } from "../../protocol/records.ts";
import { ClockSegments } from "./clock-segments.ts";
import { GapLedger } from "./gap-ledger.ts";
import type { OutboxDeps, OutboxIncident } from "./outbox-deps.ts";
import { Counters } from "./outbox-counters.ts";
import type { OutboxLimits } from "./outbox-limits.ts";
import { RECORD_OVERHEAD_BYTES } from "./join-records.ts";
import type { OutboxOpening, OutboxStore } from "./outbox-store.ts";
import { OutboxWriter, type WriterState } from "./outbox-writer.ts";
import type { PendingQueue, PendingRecord } from "./pending-queue.ts";
import { StreamNumbers } from "./stream-numbers.ts";

/** Failures that reopening the store may cure: opening checks, salvages, or falls back to memory. */
const CURABLE: ReadonlySet<string> = new Set(["storage.read-only", "storage.io", "storage.corrupt"]);
/** After this long without a refusal, the disk or the cap no longer counts as full. */
const FULL_OVER_MS = 30_000;
/** Minimum time between two reopenings of a failing store. */
const REOPEN_EVERY_MS = 5_000;
const COPY_ROWS = 256;
const COPY_BYTES = 256 * 1024;

/** Keeps the outbox on a usable store: reopens it when it fails, and returns from memory to the disk when that works again. */
export class StoreKeeper {
  readonly state: WriterState;
  readonly writer: OutboxWriter;
  readonly #deps: OutboxDeps;
  readonly #pending: PendingQueue;
  readonly #onIncident: (incident: OutboxIncident) => void;
  #log: string;
  #degraded: Issue | undefined;
  #lastIssue: Issue | undefined;
  #lastIssueMs = 0;
  /** Records of the group being written: no longer queued, not on disk yet. */
  #inFlight: readonly PendingRecord[] = [];
  #openedMs: number;
  readonly keys: readonly { readonly key: string; readonly seq: number }[];

  static async open(
    deps: OutboxDeps,
    limits: OutboxLimits,
    pending: PendingQueue,
    onIncident: (incident: OutboxIncident) => void,
  ): Promise<StoreKeeper> {
    return new StoreKeeper(deps, limits, pending, onIncident, await deps.openStore());
  }

  private constructor(
    deps: OutboxDeps,
    limits: OutboxLimits,
    pending: PendingQueue,
    onIncident: (incident: OutboxIncident) => void,
    opening: OutboxOpening,
  ) {
    const { clock, log, boot, quality } = deps;
    const { contents, store } = opening;
    this.#deps = deps;
    this.#pending = pending;
    this.#onIncident = onIncident;
    this.#log = contents.log;
    this.#degraded = opening.degraded;
    this.#openedMs = clock.monotonicMs();
    this.keys = contents.keys;
    this.state = {
      store,
      numbers: new StreamNumbers(contents),
      segments: new ClockSegments(boot, contents.segments, { wallMs: clock.wallMs(), monoMs: clock.monotonicMs(), quality }),
      ledger: new GapLedger(contents.gaps),
      counters: new Counters(),
      limits,
      clock,
      log,
    };
    this.writer = new OutboxWriter(this.state);
    this.#tellOf(opening);
  }

  get log(): string {
    return this.#log;
  }

  get degraded(): Issue | undefined {
    return this.#degraded;
  }

  get lastIssue(): Issue | undefined {
    return this.#lastIssue;
  }

  /** Like `OutboxWriter.write`, but reopens a broken store and tries the group once more. */
  async write(group: readonly PendingRecord[]): ReturnType<OutboxWriter["write"]> {
    this.#inFlight = group;
    try {
      if (this.#degraded !== undefined && this.#sinceOpenedMs() >= this.state.limits.recoverEveryMs) await this.#recover();
      const { store } = this.state;
      const first = await this.writer.write(group);
      if (first.issue === undefined) return first;
      const cured = await this.cure(first.issue, store, group);
      if (!cured) {
        this.#noteFailure(first.issue);
        return first;
      }
      const second = await this.writer.write(first.left);
      if (second.issue !== undefined) this.#noteFailure(second.issue);
      return { ...second, written: [...first.written, ...second.written] };
    } finally {
      this.#inFlight = [];
    }
  }

  /**
   * Drops rows of `log`. A failure counts as one of writing, and may reopen the store. Error `outbox.moved`: the outbox has
   * another log by now, in which the numbers stand for other rows.
   */
  async drop(log: string, dropping: (writer: OutboxWriter) => Promise<Result<number>>): Promise<Result<number>> {
    if (log !== this.#log) return fail("outbox.moved", "the outbox has a new log");
    const { store } = this.state;
    const dropped = await dropping(this.writer);
    if (!dropped.ok && !(await this.cure(dropped.error, store, []))) this.#noteFailure(dropped.error);
    if (dropped.ok && dropped.value > 0) this.writeRecovered();
    return dropped;
  }

  /** A write succeeded. After `storage.full` this counts only after a while without refusals: at the cap, both alternate. */
  writeRecovered(): void {
    if (this.#lastIssue === undefined) return;
    if (this.#lastIssue.code === "storage.full" && this.#deps.clock.monotonicMs() - this.#lastIssueMs < FULL_OVER_MS) return;
    this.#lastIssue = undefined;
    this.#onIncident({ kind: "write-recovered" });
  }

  /** Reopens the store if that may help and switches to it. `broken` is the store that failed. Returns false when nothing was done. */
  async cure(issue: Issue, broken: OutboxStore, inFlight: readonly PendingRecord[]): Promise<boolean> {
    // Already reopened in the meantime.
    if (broken !== this.state.store) return true;
    if (!CURABLE.has(issue.code) || this.#sinceOpenedMs() < REOPEN_EVERY_MS) return false;
    this.#inFlight = inFlight;
    this.#deps.log.error({ code: issue.code, error: issue.message }, "the outbox failed; opening it again");
    await broken.close();
    const opening = await this.#reopen();
    this.#adopt(opening);
    return true;
  }

  /** The cloud knows numbers that were never handed out: they were assigned before the end of the log was lost. */
  async startNewLog(stream: Stream, claimed: number): Promise<void> {
    const log = newLogId(this.#deps);
    const done = await this.state.store.commit({ log }, true);
    if (!done.ok) return this.#noteFailure(done.error);
    this.#log = log;
    const { newest } = this.state.numbers.range(stream);
    this.#onIncident({ kind: "new-log", log, stream, claimed, handedOut: newest });
  }

  async close(): Promise<void> {
    await this.state.store.close();
  }

  /** Returns from memory to the disk with every record in memory, making room for them as for any write. */
  async #recover(): Promise<void> {
    const memory = this.state.store;
    const opening = await this.#reopen();
    if (opening.degraded !== undefined) {
      await opening.store.close();
      return;
    }
    const newIds = this.state.segments.moveOnto(opening.contents.segments);
    const oldNumbers = this.state.numbers.ranges();
    const numbers = new StreamNumbers(opening.contents);
    const writer = new OutboxWriter({ ...this.state, store: opening.store, numbers });
    const waiting: PendingRecord[] = [];
    for (const stream of STREAMS) {
      let after = oldNumbers[stream].oldest - 1;
      for (;;) {
        const found = await memory.read(stream, { after, upTo: oldNumbers[stream].newest, rowsMax: COPY_ROWS, bytesMax: COPY_BYTES });
        const last = found.ok ? found.value.rows.at(-1) : undefined;
        if (!found.ok || last === undefined) break;
        after = last.seq;
        const records = found.value.rows.map((row): PendingRecord => {
          // The old number belongs to another log.
          const seq = DURABLE_STREAMS.has(stream) ? 0 : numbers.give(stream);
          return { ...row, stream, seq, bytes: row.bytes + RECORD_OVERHEAD_BYTES, segment: newIds.get(row.segment) ?? row.segment, source: "" };
        });
        const { left, issue } = await writer.write(records);
        if (issue !== undefined) waiting.push(...this.#notTakenBack(left, issue));
      }
    }
    await memory.close();
    for (const record of [...this.#inFlight, ...this.#pending.all()]) record.segment = newIds.get(record.segment) ?? record.segment;
    this.state.ledger.startAnew();
    for (const entry of opening.contents.gaps) this.state.ledger.add(entry);
    this.#pending.putBack(waiting);
    this.#switchTo(opening, { ...opening.contents, streams: numbers.ranges() });
    this.#onIncident({ kind: "recovered" });
  }

  /** Records from memory that the disk did not accept: lost if the disk is full, otherwise returned to be written later. */
  #notTakenBack(left: readonly PendingRecord[], issue: Issue): readonly PendingRecord[] {
    this.#deps.log.error({ code: issue.code, records: left.length }, "only part of the outbox could be moved from memory back to disk");
    if (issue.code !== "storage.full") return left;
    // Counted without numbers: theirs belong to another log.
    for (const { stream } of left) {
      this.state.ledger.add({ stream, reason: "quota", count: 1 });
      this.state.counters.dropped[stream] += 1;
    }
    return [];
  }

  #adopt(opening: OutboxOpening): void {
    this.state.segments.unsaveAll();
    if (opening.degraded !== undefined) this.state.ledger.startAnew();
    // Losses noted in the file itself are already in this ledger, and may have been reported by now.
    for (const loss of opening.losses) for (const gap of loss.gaps) this.state.ledger.add(gap);
    this.#switchTo(opening, opening.contents);
    this.#tellOf(opening);
  }

  #switchTo(opening: OutboxOpening, contents: OutboxOpening["contents"]): void {
    const sameLog = contents.log === this.#log;
    this.state.store = opening.store;
    this.state.numbers.adopt(contents, sameLog);
    this.#log = contents.log;
    this.#degraded = opening.degraded;
    if (sameLog) return;
    this.writer.forgetAcks();
    // Accepted under numbers of the old log; the new log has its own.
    for (const record of [...this.#inFlight, ...this.#pending.all()]) {
      if (!DURABLE_STREAMS.has(record.stream)) record.seq = this.state.numbers.give(record.stream);
    }
  }

  #reopen(): Promise<OutboxOpening> {
    this.#openedMs = this.#deps.clock.monotonicMs();
    this.state.counters.reopened += 1;
    return this.#deps.openStore();
  }

  #tellOf(opening: OutboxOpening): void {
    for (const loss of opening.losses) {
      for (const { stream, count } of loss.gaps) this.state.counters.dropped[stream] += count;
      this.#onIncident({ kind: "loss", loss });
    }
    if (opening.degraded !== undefined) this.#onIncident({ kind: "degraded", why: opening.degraded });
  }

  #noteFailure(issue: Issue): void {
    const first = this.#lastIssue === undefined;
    this.#lastIssue = issue;
    this.#lastIssueMs = this.#deps.clock.monotonicMs();
    if (!first) return;
    this.#deps.log.error({ code: issue.code, error: issue.message }, "the outbox could not be written");
    this.#onIncident({ kind: "write-failed", why: issue });
  }

  #sinceOpenedMs(): number {
    return this.#deps.clock.monotonicMs() - this.#openedMs;
  }
}

function newLogId(deps: OutboxDeps): string {
  return toHex(deps.random.bytes(12));
}
