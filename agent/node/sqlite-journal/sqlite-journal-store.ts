import type { Database, Statement } from "better-sqlite3";
import { err, ok, type Result } from "../../../platform/ports/result.ts";
import { isDone, numberUsedBy, type CommandKey, type JournalEntry } from "../../core/commands/journal-entry.ts";
import type { JournalStore, RetentionLimits } from "../../core/commands/journal-store.ts";
import type { StorageIssue } from "../../core/storage/document-store.ts";
import { rowChecksum } from "../sqlite/row-checksum.ts";
import type { SqliteFile } from "../sqlite/sqlite-file.ts";
import { storageIssueOrThrow } from "../sqlite/storage-issue.ts";
import type { JournalMarks } from "./journal-marks.ts";
import { INDEXES } from "./journal-schema.ts";

/** Pages (about 512 KiB) after which a write that nobody waits for triggers a checkpoint. */
const CHECKPOINT_PAGES = 500;
/** Pages after which any write triggers one. */
const CHECKPOINT_PAGES_MAX = 2_000;
/** Free pages returned to the file system per pruning. */
const VACUUM_PAGES = 64;

export interface CommandRow {
  readonly arrival: number;
  readonly id: string;
  readonly attempt: number;
  readonly owner: string;
  readonly number: number;
  readonly done: number;
  readonly finished_wall: number;
  readonly crc: number;
  readonly entry: string;
}

/** The entry of a row; `undefined` when the row does not match its checksum. */
export function entryOfRow(row: CommandRow): JournalEntry | undefined {
  const { arrival, id, attempt, owner, number, done, finished_wall: finishedWall } = row;
  if (row.crc !== rowChecksum("command", [arrival, id, attempt, owner, number, done, finishedWall], row.entry)) return undefined;
  return JSON.parse(row.entry) as JournalEntry;
}

export function floorChecksum(owner: string, number: number): number {
  return rowChecksum("floor", [number], owner);
}

/**
 * The journal in a SQLite file of its own. Every `put` is one transaction and one sync. A row found damaged is discarded
 * and counted, and its number becomes part of the floor: what is unknown must not run again.
 */
export class SqliteJournalStore implements JournalStore {
  readonly #file: SqliteFile;
  readonly #sql: ReturnType<typeof prepareAll>;
  #rowsLost = 0;
  /** Loaded on first use. */
  #cancelMax: number | undefined;
  /** Pages written since the last checkpoint; an upper estimate. */
  #pagesWritten = 0;

  readonly #marks: JournalMarks | undefined;

  /** `file` is open, checked, and has `JOURNAL_SCHEMA`. Without marks a cut end of its WAL goes unnoticed. */
  constructor(file: SqliteFile, marks?: JournalMarks) {
    this.#file = file;
    this.#marks = marks;
    this.#sql = prepareAll(file.database);
  }

  /** Number of rows found damaged since opening. */
  get rowsLost(): number {
    return this.#rowsLost;
  }

  async get(id: string, attempt: number): Promise<Result<JournalEntry | undefined, StorageIssue>> {
    return this.#guarded(() => this.#entry(this.#sql.get.get(id, attempt)));
  }

  async put(entry: JournalEntry): Promise<Result<void, StorageIssue>> {
    const before = this.#guarded(() => this.#replace(entry));
    if (!before.ok) return before;
    const synced = await this.#synced();
    if (!synced.ok) {
      // It may not be on disk, so this process must not find it either.
      const restored = this.#guarded(() => this.#restore(entry, before.value));
      return restored.ok ? synced : restored;
    }
    this.#marks?.note(entry);
    if (this.#cancelMax !== undefined) this.#cancelMax = Math.max(this.#cancelMax, entry.cancelNumber ?? 0);
    // A command waits for every write except the last, which only records that its outcome was handed over.
    this.#checkpointIfLong(isDone(entry) ? CHECKPOINT_PAGES : CHECKPOINT_PAGES_MAX);
    return ok(undefined);
  }

  /** Checks every row; damaged ones are discarded and counted in `rowsLost`. */
  async checkRows(): Promise<Result<void, StorageIssue>> {
    return this.#guarded(() => {
      const damaged: CommandRow[] = [];
      for (const row of this.#sql.every.iterate()) if (entryOfRow(row) === undefined) damaged.push(row);
      for (const row of damaged) this.#entry(row);
    });
  }

  /** Marks all numbers up to this one as used, whether or not their commands are known. Returns false if that is nothing new. */
  async raiseFloor(owner: string, number: number): Promise<Result<boolean, StorageIssue>> {
    const raised = this.#guarded(() =>
      this.#inTransaction(() => {
        if (number <= Math.max(this.#floor(owner), this.#sql.highest.get(owner)?.number ?? 0)) return false;
        this.#raiseFloor(owner, number);
        return true;
      }),
    );
    if (!raised.ok || !raised.value) return raised;
    const synced = await this.#synced();
    return synced.ok ? raised : synced;
  }

  async numberHolder(owner: string, number: number): Promise<Result<CommandKey | undefined, StorageIssue>> {
    return this.#guarded(() => this.#sql.holder.get(owner, number) ?? (number <= this.#highestCancel() ? this.#sql.cancelHolder.get(owner, number) : undefined));
  }

  /** Highest cancel number of any owner; no cancel needs to be searched for above it, because numbers rise. */
  #highestCancel(): number {
    return (this.#cancelMax ??= this.#sql.highestCancel.get()?.number ?? 0);
  }

  async floor(owner: string): Promise<Result<number, StorageIssue>> {
    return this.#guarded(() => this.#floor(owner));
  }

  async unfinished(): Promise<Result<readonly JournalEntry[], StorageIssue>> {
    return this.#guarded(() => this.#entries(this.#sql.unfinished.all()));
  }

  async recent(countMax: number): Promise<Result<readonly JournalEntry[], StorageIssue>> {
    return this.#guarded(() => this.#entries(this.#sql.recent.all(countMax)));
  }

  async prune(limits: RetentionLimits): Promise<Result<number, StorageIssue>> {
    const pruned = this.#guarded(() => this.#inTransaction(() => this.#prune(limits)));
    if (!pruned.ok || pruned.value === 0) return pruned;
    const vacuumed = this.#guarded(() => this.#file.database.pragma(`incremental_vacuum(${VACUUM_PAGES})`));
    if (!vacuumed.ok) return vacuumed;
    const synced = await this.#synced();
    if (!synced.ok) return synced;
    this.#checkpointIfLong(CHECKPOINT_PAGES);
    return pruned;
  }

  /** Number of commands. Throws SQLite errors, which `openJournal` catches. */
  count(): number {
    return this.#sql.totals.get()?.count ?? 0;
  }

  /** Bytes on disk, WAL included. */
  bytes(): number {
    return this.#file.bytes();
  }

  close(): void {
    this.#marks?.close();
    this.#file.close();
  }

  async #synced(): Promise<Result<void, StorageIssue>> {
    try {
      await this.#file.sync();
      return ok(undefined);
    } catch (thrown) {
      return err(storageIssueOrThrow(thrown));
    }
  }

  /** Writes the entry and returns the previous row. */
  #replace(entry: JournalEntry): CommandRow | undefined {
    return this.#inTransaction(() => {
      const before = this.#sql.get.get(entry.id, entry.attempt);
      const arrival = before?.arrival ?? (this.#sql.lastArrival.get()?.arrival ?? 0) + 1;
      const row = rowOf(entry, arrival);
      // With unchanged owner and number (the normal case) only the small index of open commands is touched.
      if (before?.owner === row.owner && before.number === row.number) this.#rewrite(row);
      else {
        // Owner and number of a command never change, so the row is damaged.
        if (before !== undefined) this.#dropMismatched(before.arrival);
        this.#write(row);
      }
      return before;
    });
  }

  #restore(entry: JournalEntry, before: CommandRow | undefined): void {
    this.#inTransaction(() => {
      if (before === undefined) this.#sql.drop.run(entry.id, entry.attempt);
      else this.#write(before);
    });
  }

  #write(row: CommandRow): void {
    this.#sql.put.run(row.arrival, row.id, row.attempt, row.owner, row.number, row.done, row.finished_wall, row.crc, row.entry);
    this.#pagesWritten += 8 + Math.ceil(row.entry.length / 512);
  }

  #rewrite({ arrival, done, finished_wall: finishedWall, crc, entry }: CommandRow): void {
    this.#sql.rewrite.run(done, finishedWall, crc, entry, arrival);
    this.#pagesWritten += 3 + Math.ceil(entry.length / 512);
  }

  #prune(limits: RetentionLimits): number {
    const total = this.#sql.totals.get() ?? { count: 0, bytes: 0 };
    let { count, bytes } = total;
    let pruned = 0;
    for (const row of this.#sql.done.all()) {
      const over = count > limits.entriesMax || bytes > limits.bytesMax;
      if (!over && row.finished_wall >= limits.finishedBeforeWallMs) continue;
      const whole = this.#sql.getArrival.get(row.arrival);
      const entry = whole && entryOfRow(whole);
      if (entry !== undefined) {
        this.#sql.dropArrival.run(row.arrival);
        this.#raiseFloor(entry.owner, numberUsedBy(entry));
      } else if (whole !== undefined) this.#discard(whole);
      count -= 1;
      bytes -= row.bytes;
      pruned += 1;
    }
    this.#pagesWritten += pruned * 4;
    return pruned;
  }

  #floor(owner: string): number {
    const row = this.#sql.floor.get(owner);
    if (row === undefined) return 0;
    if (row.crc === floorChecksum(owner, row.number)) return row.number;
    // The floor is lost. Use the highest number still known; every number of this owner is at most that or was lost.
    this.#rowsLost += 1;
    const highest = this.#sql.highest.get(owner)?.number ?? 0;
    this.#sql.putFloor.run(owner, highest, floorChecksum(owner, highest));
    return highest;
  }

  #raiseFloor(owner: string, number: number): void {
    const floor = Math.max(this.#floor(owner), number);
    this.#sql.putFloor.run(owner, floor, floorChecksum(owner, floor));
  }

  #entries(rows: readonly CommandRow[]): readonly JournalEntry[] {
    return rows.map((row) => this.#entry(row)).filter((entry) => entry !== undefined);
  }

  #entry(row: CommandRow | undefined): JournalEntry | undefined {
    if (row === undefined) return undefined;
    const entry = entryOfRow(row);
    if (entry !== undefined) return entry;
    this.#inTransaction(() => this.#discard(row));
    return undefined;
  }

  /** Deletes and counts a damaged row. Runs inside a transaction. */
  #discard(row: CommandRow): void {
    this.#rowsLost += 1;
    // Any column may be the damaged one. A wrong number as the floor would lock out all later commands, so it counts only when the
    // index, a second copy, confirms it; otherwise the highest number still known counts.
    const confirmed = this.#sql.indexed.get(row.owner, row.number, row.arrival) !== undefined;
    this.#dropMismatched(row.arrival);
    this.#raiseFloor(row.owner, confirmed ? row.number : (this.#sql.highest.get(row.owner)?.number ?? 0));
  }

  /** Cannot be nested. Uses prepared statements, because commands wait for it. */
  #inTransaction<T>(work: () => T): T {
    const { begin, commit, rollback } = this.#sql;
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (thrown) {
      // SQLite rolls back by itself after some failures only.
      if (this.#file.database.inTransaction) rollback.run();
      throw thrown;
    }
  }

  /** Deletes a damaged row, which the indexes may not match. Runs inside a transaction. */
  #dropMismatched(arrival: number): void {
    const { database } = this.#file;
    database.exec(INDEXES.drop);
    this.#sql.dropArrival.run(arrival);
    database.exec(INDEXES.create);
  }

  #checkpointIfLong(pages: number): void {
    if (this.#pagesWritten < pages) return;
    this.#pagesWritten = 0;
    try {
      this.#file.checkpoint(false);
    } catch (thrown) {
      // Everything is safe in the WAL; the next write past the limit tries again.
      storageIssueOrThrow(thrown);
    }
  }

  #guarded<T>(work: () => T): Result<T, StorageIssue> {
    try {
      return ok(work());
    } catch (thrown) {
      return err(storageIssueOrThrow(thrown));
    }
  }
}

export function rowOf(entry: JournalEntry, arrival: number): CommandRow {
  const { id, attempt, owner, number } = entry;
  const done = isDone(entry) ? 1 : 0;
  const finishedWall = entry.state.kind === "final" ? Math.round(entry.state.finishedWallMs) : 0;
  const json = JSON.stringify(entry);
  const crc = rowChecksum("command", [arrival, id, attempt, owner, number, done, finishedWall], json);
  return { arrival, id, attempt, owner, number, done, finished_wall: finishedWall, crc, entry: json };
}

/** Cancel number of a row whose text may be damaged. */
const CANCEL_NUMBER = "CASE WHEN json_valid(entry) THEN json_extract(entry, '$.cancelNumber') END";

function prepareAll(database: Database) {
  const all = "arrival, id, attempt, owner, number, done, finished_wall, crc, entry";
  const prepare = <P extends unknown[], R>(sql: string): Statement<P, R> => database.prepare<P, R>(sql);
  return {
    begin: prepare<[], never>("BEGIN IMMEDIATE"),
    commit: prepare<[], never>("COMMIT"),
    rollback: prepare<[], never>("ROLLBACK"),
    get: prepare<[string, number], CommandRow>(`SELECT ${all} FROM command WHERE id = ? AND attempt = ?`),
    getArrival: prepare<[number], CommandRow>(`SELECT ${all} FROM command WHERE arrival = ?`),
    put: prepare<[number, string, number, string, number, number, number, number, string], never>(
      `INSERT OR REPLACE INTO command (${all}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    rewrite: prepare<[number, number, number, string, number], never>(
      "UPDATE command SET done = ?, finished_wall = ?, crc = ?, entry = ? WHERE arrival = ?",
    ),
    lastArrival: prepare<[], { arrival: number }>("SELECT max(arrival) AS arrival FROM command"),
    holder: prepare<[string, number], CommandKey>(
      "SELECT id, attempt FROM command WHERE owner = ? AND number = ? ORDER BY arrival LIMIT 1",
    ),
    cancelHolder: prepare<[string, number], CommandKey>(
      `SELECT id, attempt FROM command WHERE owner = ? AND ${CANCEL_NUMBER} = ? ORDER BY arrival LIMIT 1`,
    ),
    highestCancel: prepare<[], { number: number | null }>(`SELECT max(${CANCEL_NUMBER}) AS number FROM command`),
    indexed: prepare<[string, number, number], unknown>(
      "SELECT 1 FROM command INDEXED BY command_number WHERE owner = ? AND number = ? AND arrival = ?",
    ),
    highest: prepare<[string], { number: number }>("SELECT max(number) AS number FROM command WHERE owner = ?"),
    unfinished: prepare<[], CommandRow>(`SELECT ${all} FROM command WHERE done = 0 ORDER BY arrival`),
    every: prepare<[], CommandRow>(`SELECT ${all} FROM command`),
    recent: prepare<[number], CommandRow>(`SELECT ${all} FROM command ORDER BY arrival DESC LIMIT ?`),
    totals: prepare<[], { count: number; bytes: number }>(
      "SELECT count(*) AS count, coalesce(sum(octet_length(entry)), 0) AS bytes FROM command",
    ),
    done: prepare<[], Pick<CommandRow, "arrival" | "finished_wall"> & { bytes: number }>(
      "SELECT arrival, finished_wall, octet_length(entry) AS bytes FROM command WHERE done = 1 ORDER BY arrival",
    ),
    drop: prepare<[string, number], never>("DELETE FROM command WHERE id = ? AND attempt = ?"),
    dropArrival: prepare<[number], never>("DELETE FROM command WHERE arrival = ?"),
    floor: prepare<[string], { number: number; crc: number }>("SELECT number, crc FROM floor WHERE owner = ?"),
    putFloor: prepare<[string, number, number], never>("INSERT OR REPLACE INTO floor (owner, number, crc) VALUES (?, ?, ?)"),
  };
}
