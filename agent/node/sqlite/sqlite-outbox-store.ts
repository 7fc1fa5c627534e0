import { perStream } from "../../core/outbox/per-stream.ts";
import {
  RECENT_KEYS_MAX, type ClockSegment, type GapEntry, type NewRow, type OutboxChange, type OutboxStore, type ReadRange, type StoredRow,
  type StoredRows, type StoreUsage,
} from "../../core/outbox/outbox-store.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import { err, fail, ok, type Result } from "../../../platform/ports/result.ts";
import { utf8Length } from "../../../platform/runtime/encoding.ts";
import type { DiskBudget } from "./disk-budget.ts";
import { KindNames } from "./kind-names.ts";
import type { OutboxMarks } from "./outbox-marks.ts";
import { QUALITIES, STREAM_IDS } from "./outbox-schema.ts";
import { statementsOf } from "./outbox-statements.ts";
import { rowChecksum } from "./row-checksum.ts";
import type { SqliteFile } from "./sqlite-file.ts";
import { storageIssueOrThrow, type StorageIssue } from "./storage-issue.ts";

/** Limit on rows dropped per transaction; longer ranges are split. */
const DROP_ROWS_MAX = 1_000;
/** Maximum WAL bytes for a drop of `DROP_ROWS_MAX` rows and the small tables. */
const SMALL_CHANGE_BYTES = 320 * 1024;
/** Number of free pages at which `VACUUM_PAGES` of them are returned to the file system. */
const FREE_PAGES_MAX = 1_024;
const VACUUM_PAGES = 64;
/** Limit on vacuum steps per commit while the database exceeds a lowered cap: 4 MiB. */
const SHRINK_STEPS_MAX = 64;

interface StreamState {
  stored: number;
  floor: number;
  newest: number;
}

type RawRow = [seq: number, segment: number, kind: number, mono: number, crc: number, dedupeKey: string | null, body: string, bytes: number];

export interface SqliteOutboxParts {
  readonly file: SqliteFile;
  readonly budget: DiskBudget;
  readonly streams: Readonly<Record<Stream, Readonly<StreamState>>>;
  /** Marks a clean end for the next start. */
  readonly atClose: () => void;
  /** Absent when the disk does not take the mark file; a cut end of the outbox then goes unnoticed. */
  readonly marks?: OutboxMarks;
}

/** The outbox in one SQLite file. Design: docs/decisions, "outbox on disk". */
export class SqliteOutboxStore implements OutboxStore {
  readonly #file: SqliteFile;
  readonly #budget: DiskBudget;
  readonly #kinds: KindNames;
  readonly #streams: Record<Stream, StreamState>;
  readonly #sql;
  #keysKept = 0;
  #closed = false;
  readonly #atClose: () => void;

  readonly #marks: OutboxMarks | undefined;
  /** Numbers known to be on disk. */
  readonly #durable: Record<Stream, { newest: number; stored: number }>;

  constructor({ file, budget, streams, atClose, marks }: SqliteOutboxParts) {
    this.#atClose = atClose;
    this.#marks = marks;
    this.#durable = perStream((stream) => ({ ...streams[stream] }));
    this.#file = file;
    this.#budget = budget;
    this.#streams = perStream((stream) => ({ ...streams[stream] }));
    this.#kinds = new KindNames(file.database);
    this.#sql = statementsOf(file.database);
  }

  async commit(change: OutboxChange, synced: boolean): Promise<Result<void>> {
    if (this.#closed) return CLOSED;
    const written = this.#write(change);
    if (!written.ok) return written;
    const done = synced ? await this.#sync(change) : written;
    if (done.ok) this.#mark(synced, change);
    return done;
  }

  async #sync(change: OutboxChange): Promise<Result<void>> {
    try {
      await this.#file.sync();
      return ok(undefined);
    } catch (thrown) {
      return this.#afterFailedSync(change, storageIssueOrThrow(thrown));
    }
  }

  /** Marks what is on disk before the write is confirmed. What the cloud stored is marked even if it is not on disk here. */
  #mark(synced: boolean, change: OutboxChange): void {
    if (!synced && change.stored === undefined) return;
    for (const stream of STREAMS) {
      const durable = this.#durable[stream];
      if (synced) durable.newest = this.#streams[stream].newest;
      durable.stored = this.#streams[stream].stored;
    }
    this.#marks?.note(this.#durable);
  }

  async read(stream: Stream, range: ReadRange): Promise<Result<StoredRows>> {
    if (this.#closed) return CLOSED;
    const rows: StoredRow[] = [];
    const damaged: number[] = [];
    let bytes = 0;
    let last = range.after;
    try {
      const found = this.#sql.read[stream].iterate(range.after, range.upTo, range.rowsMax) as IterableIterator<RawRow>;
      for (const [seq, segment, kind, monoMs, crc, dedupeKey, body, size] of found) {
        last = seq;
        if (crc === rowChecksum(stream, [seq, segment, kind, monoMs, dedupeKey], body)) {
          rows.push({ seq, segment, kind: this.#kinds.nameOf(kind), monoMs, body, bytes: size });
          bytes += size;
        } else damaged.push(seq);
        if (bytes >= range.bytesMax) break;
      }
    } catch (thrown) {
      return err(storageIssueOrThrow(thrown));
    }
    // A damaged row may have a wrong number; then the right one is a hole nearby.
    if (damaged.length > 0) damaged.push(...holesIn(rows, damaged, range.after, last));
    return ok({ rows, damaged: damaged.sort((a, b) => a - b) });
  }

  usage(): StoreUsage {
    return { bytes: this.#budget.bytes(), bytesMax: this.#budget.capBytes };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#noteNewest();
      this.#atClose();
      this.#file.checkpoint(true);
      // Everything is now in the database file, synced.
      this.#marks?.close(this.#streams);
    } catch (thrown) {
      // The WAL stays and is read at the next start.
      storageIssueOrThrow(thrown);
      this.#marks?.abandon();
    }
    try {
      this.#file.close();
    } catch (thrown) {
      storageIssueOrThrow(thrown);
    }
  }

  #write(change: OutboxChange): Result<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (this.#budget.over && !this.#shrink() && (change.add?.length ?? 0) > 0) return full("the database is larger than its cap");
        this.#dropInSteps(change);
        this.#budget.prepare(sizeOf(change), () => this.#noteNewest());
        this.#transaction(change);
        this.#noteApplied(change);
        this.#giveBackPages(change);
        return ok(undefined);
      } catch (thrown) {
        const issue = storageIssueOrThrow(thrown);
        if (issue.code !== "storage.full" || attempt > 1 || !this.#madeRoom()) return err(issue);
      }
    }
  }

  #madeRoom(): boolean {
    try {
      return this.#budget.makeRoom();
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      return false;
    }
  }

  /** Drops long ranges in several transactions first; the drop may stop after any of them. */
  #dropInSteps(change: OutboxChange): void {
    for (const stream of STREAMS) {
      const upTo = Math.min(change.dropUpTo?.[stream] ?? 0, this.#streams[stream].newest);
      while (upTo - this.#streams[stream].floor > DROP_ROWS_MAX) {
        const next = this.#sql.nth[stream].get(DROP_ROWS_MAX) as number | undefined;
        if (next === undefined || next > upTo) break;
        const step: OutboxChange = { dropUpTo: { [stream]: next } };
        this.#budget.prepare(SMALL_CHANGE_BYTES, () => this.#noteNewest());
        this.#transaction(step);
        this.#noteApplied(step);
      }
    }
  }

  #transaction(change: OutboxChange): void {
    const { begin, commit, rollback } = this.#sql;
    begin.run();
    try {
      this.#apply(change);
      commit.run();
    } catch (thrown) {
      // SQLite rolls back by itself after some failures only.
      if (this.#file.database.inTransaction) rollback.run();
      this.#kinds.forgetNew();
      throw thrown;
    }
    this.#kinds.keepNew();
  }

  #apply(change: OutboxChange): void {
    const sql = this.#sql;
    for (const segment of change.segments ?? []) this.#putSegment(segment);
    for (const stream of STREAMS) {
      const upTo = change.dropUpTo?.[stream];
      if (upTo === undefined) continue;
      this.#keepKeys(stream, 0, upTo);
      sql.dropUpTo[stream].run(upTo);
    }
    for (const { stream, seq } of change.dropOne ?? []) {
      this.#keepKeys(stream, seq, seq);
      sql.dropOne[stream].run(seq);
    }
    for (const stream of STREAMS) this.#putStream(stream, change);
    for (const gap of change.gaps ?? []) this.#putGap(gap);
    for (const row of change.add ?? []) this.#addRow(row);
    if (change.log !== undefined) sql.putMeta.run(change.log, rowChecksum("meta", [1], change.log));
  }

  #addRow(row: NewRow): void {
    const { stream, seq, segment, monoMs, body } = row;
    const kind = this.#kinds.idOf(row.kind);
    const key = row.dedupeKey ?? null;
    this.#sql.add[stream].run(seq, segment, kind, monoMs, rowChecksum(stream, [seq, segment, kind, monoMs, key], body), key, body);
  }

  #putSegment({ id, boot, quality, offsetMs, sinceMonoMs }: ClockSegment): void {
    const values = [id, QUALITIES.indexOf(quality), offsetMs, sinceMonoMs] as const;
    this.#sql.putSegment.run(...values, boot, rowChecksum("segment", values, boot));
  }

  #putStream(stream: Stream, change: OutboxChange): void {
    const state = this.#streams[stream];
    const floor = floorAfter(state, change, stream);
    const stored = Math.max(state.stored, change.stored?.[stream] ?? 0);
    if (floor === state.floor && stored === state.stored) return;
    this.#writeStream(stream, { stored, floor, newest: newestAfter(state, change, stream) });
  }

  #writeStream(stream: Stream, { stored, floor, newest }: Readonly<StreamState>): void {
    const values = [STREAM_IDS[stream], stored, floor, newest] as const;
    this.#sql.putStream.run(...values, rowChecksum("stream", values, ""));
  }

  #putGap(gap: GapEntry): void {
    const id = this.#sql.gapId(gap);
    if (gap.count === 0 && gap.carrier === undefined) {
      this.#sql.dropGap.run(id);
      return;
    }
    const entry = JSON.stringify(gap);
    this.#sql.putGap.run(id, entry, rowChecksum("gap", [id], entry));
  }

  /** Keeps the dedupe keys of rows about to be dropped. */
  #keepKeys(stream: Stream, from: number, to: number): void {
    for (const [key, seq] of this.#sql.keys[stream].all(from, to) as [string, number][]) {
      const { lastInsertRowid } = this.#sql.addKey.run(key, seq, rowChecksum("recent_key", [seq], key));
      this.#keysKept = Number(lastInsertRowid);
    }
    this.#sql.trimKeys.run(this.#keysKept - RECENT_KEYS_MAX);
  }

  #noteApplied(change: OutboxChange): void {
    for (const stream of STREAMS) {
      const state = this.#streams[stream];
      state.newest = newestAfter(state, change, stream);
      state.floor = floorAfter(state, change, stream);
      state.stored = Math.max(state.stored, change.stored?.[stream] ?? 0);
    }
  }

  /** Stores the highest numbers, so that a salvage knows them from the database file alone, without its WAL. */
  #noteNewest(): void {
    const { begin, commit } = this.#sql;
    begin.run();
    for (const stream of STREAMS) this.#writeStream(stream, this.#streams[stream]);
    commit.run();
  }

  #giveBackPages(change: OutboxChange): void {
    if ((change.add?.length ?? 0) > 0 || !drops(change)) return;
    if (this.#file.freePages() > FREE_PAGES_MAX) this.#vacuum();
  }

  #vacuum(): void {
    this.#budget.prepare(SMALL_CHANGE_BYTES, () => this.#noteNewest());
    this.#file.database.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
    this.#budget.shrunk();
  }

  /** After the cap was lowered: returns free pages until the database fits. False when none are left and rows must be dropped. */
  #shrink(): boolean {
    for (let step = 0; step < SHRINK_STEPS_MAX && this.#budget.over; step += 1) {
      if (this.#file.freePages() === 0) return false;
      this.#vacuum();
    }
    return true;
  }

  /**
   * Handles a failed sync. The kernel may have marked the unwritten pages clean, so a second sync would prove nothing; a
   * checkpoint writes everything again, to other places. If that fails too, the added rows are removed, so that no unsafe
   * record is reported as stored.
   */
  #afterFailedSync(change: OutboxChange, issue: StorageIssue): Result<void> {
    try {
      this.#file.checkpoint(false);
      return ok(undefined);
    } catch (thrown) {
      storageIssueOrThrow(thrown);
    }
    try {
      this.#sql.begin.run();
      for (const { stream, seq } of change.add ?? []) this.#sql.dropOne[stream].run(seq);
      this.#sql.commit.run();
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      if (this.#file.database.inTransaction) this.#sql.rollback.run();
    }
    return err(issue);
  }
}

const CLOSED = fail("storage.io", "the store is closed");

function newestAfter(state: StreamState, change: OutboxChange, stream: Stream): number {
  let newest = state.newest;
  for (const row of change.add ?? []) if (row.stream === stream && row.seq > newest) newest = row.seq;
  return newest;
}

/** Raises the floor even for a single dropped last row, so that its number is not reused. */
function floorAfter(state: StreamState, change: OutboxChange, stream: Stream): number {
  let floor = Math.max(state.floor, change.dropUpTo?.[stream] ?? 0);
  for (const one of change.dropOne ?? []) if (one.stream === stream && one.seq === state.newest) floor = Math.max(floor, one.seq);
  return floor;
}

/** Estimated WAL bytes of a change: twice its text, because pages are not full, plus the small tables. */
function sizeOf(change: OutboxChange): number {
  const rows = (change.add ?? []).reduce((sum, row) => sum + utf8Length(row.body) + 64, 0);
  return Math.min(rows * 2, 512 * 1024) + (drops(change) ? SMALL_CHANGE_BYTES : 32 * 1024);
}

function drops(change: OutboxChange): boolean {
  return Object.keys(change.dropUpTo ?? {}).length > 0;
}

function holesIn(rows: readonly StoredRow[], damaged: readonly number[], after: number, last: number): number[] {
  const there = new Set([...rows.map((row) => row.seq), ...damaged]);
  const holes: number[] = [];
  for (let seq = after + 1; seq < last && holes.length < DROP_ROWS_MAX; seq += 1) if (!there.has(seq)) holes.push(seq);
  return holes;
}

function full(message: string): Result<never> {
  return err({ code: "storage.full", message });
}
