import type Database from "better-sqlite3";
import { ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { outcomeOf } from "../../core/commands/outcome-body.ts";
import type { JournalEntry } from "../../core/commands/journal-entry.ts";
import type { StorageIssue } from "../../core/storage/document-store.ts";
import type { Quarantine } from "../sqlite/quarantine.ts";
import { openSqlite } from "../sqlite/sqlite-driver.ts";
import { fileBytes, type SqliteFile } from "../sqlite/sqlite-file.ts";
import { storageIssueOrThrow } from "../sqlite/storage-issue.ts";
import { JournalMarks, progressOf, type LastWrite, type OldJournalMarks } from "./journal-marks.ts";
import { JOURNAL_SCHEMA } from "./journal-schema.ts";
import { MarkedJournalStore } from "./marked-journal-store.ts";
import { entryOfRow, floorChecksum, SqliteJournalStore, type CommandRow } from "./sqlite-journal-store.ts";

/** Damage found while opening the journal, for an alarm. */
export interface JournalDamage {
  readonly why: Issue;
  /** Path of the damaged file in the quarantine; absent when it is still in use. */
  readonly movedTo?: string;
  /** Number of commands recovered from it. */
  readonly salvaged: number;
}

export type JournalOpening =
  | { readonly kind: "open"; readonly store: SqliteJournalStore; readonly damage?: JournalDamage }
  /** SQLite cannot be loaded: commands run, but a restart forgets outcomes that were not handed over. */
  | { readonly kind: "marked"; readonly store: MarkedJournalStore; readonly why: Issue }
  /** The disk stores nothing; no commands can be accepted until it does. */
  | { readonly kind: "unusable"; readonly why: Issue };

export interface JournalFileOptions {
  readonly path: string;
  readonly quarantine: Quarantine;
  readonly wallMs: number;
  /** Id of this boot. The last write in marks of another boot may be older than the journal's. */
  readonly boot: string;
}

/**
 * Opens the journal whatever state its file is in. An untrusted file is moved aside, its readable rows are copied, and the
 * highest number seen becomes the floor, because nobody can tell which of the rest has run. The same applies when the
 * marks beside it are ahead of it.
 */
export async function openJournal(options: JournalFileOptions): Promise<JournalOpening> {
  const { path, boot } = options;
  try {
    const old = JournalMarks.read(path, boot);
    const opened = await openFile(options);
    if (opened.kind === "unusable") return opened.why.code === "storage.unavailable" ? markedJournal(options, old, opened.why) : opened;
    const { file, damage } = opened;
    const made = await makeGood(new SqliteJournalStore(file), old, options.wallMs);
    if (!made.ok) return unusable(file, made.error);
    const { missed, last } = made.value;
    // Only now: after a power cut during the repair above, the old marks must still show the loss to the next start.
    const store = new SqliteJournalStore(file, JournalMarks.open(path, boot, { highest: old?.highest ?? new Map(), ...(last && { last }) }));
    const told = damage ?? (missed === undefined ? undefined : { why: missed, salvaged: store.count() });
    return { kind: "open", store, ...(told && { damage: told }) };
  } catch (thrown) {
    // The disk stopped accepting writes in between; the next start finds the same state and continues.
    return { kind: "unusable", why: storageIssueOrThrow(thrown) };
  }
}

/** Closes the file, whose lock would otherwise shut out other readers until this process ends. */
function unusable(file: SqliteFile, why: Issue): Extract<JournalOpening, { kind: "unusable" }> {
  closeQuietly(file);
  return { kind: "unusable", why };
}

/** Used only if the marks can be written and, when there is a journal file, know the numbers it has used. */
function markedJournal({ path, boot }: JournalFileOptions, old: OldJournalMarks | undefined, why: Issue): JournalOpening {
  if (old === undefined && fileBytes(path) > 0) return { kind: "unusable", why: { ...why, message: `${why.message}; and it is not known which commands already ran` } };
  const highest = old?.highest ?? new Map<string, number>();
  const marks = JournalMarks.open(path, boot, { highest, ...(old?.last && { last: old.last }) });
  if (marks === undefined) return { kind: "unusable", why: { ...why, message: `${why.message}; and the marks of the journal cannot be written` } };
  return { kind: "marked", store: new MarkedJournalStore(marks, highest), why };
}

type FileOpening = { readonly kind: "open"; readonly file: SqliteFile; readonly damage?: JournalDamage } | Extract<JournalOpening, { kind: "unusable" }>;

async function openFile({ path, quarantine, wallMs }: JournalFileOptions): Promise<FileOpening> {
  const first = openDatabase(path, JOURNAL_SCHEMA);
  if (first.kind !== "damaged") return first;
  const movedTo = quarantine.moveAside(path, wallMs);
  if (movedTo === undefined) return { kind: "unusable", why: first.why };
  const fresh = openDatabase(path, JOURNAL_SCHEMA);
  if (fresh.kind !== "open") return { kind: "unusable", why: fresh.why };
  const { rows, floors } = readable(movedTo);
  const store = new SqliteJournalStore(fresh.file);
  // Floors first: a power cut in between must not leave rows without them.
  const putFloor = fresh.file.database.prepare("INSERT OR REPLACE INTO floor (owner, number, crc) VALUES (?, ?, ?)");
  for (const [owner, number] of floors) putFloor.run(owner, number, floorChecksum(owner, number));
  let salvaged = 0;
  for (const row of rows) {
    const entry = entryOfRow(row);
    if (entry === undefined) continue;
    const put = await store.put(entry);
    if (!put.ok) return unusable(fresh.file, put.error);
    salvaged += 1;
  }
  quarantine.trim();
  return { kind: "open", file: fresh.file, damage: { why: first.why, movedTo, salvaged } };
}

interface MadeGood {
  /** Absent if nothing was wrong. */
  readonly missed?: Issue;
  /** The last write, if the journal has it. */
  readonly last?: LastWrite;
}

/**
 * Makes sure that nothing the journal has forgotten runs again: used numbers stay used, and an open command may have come
 * further than is known, so its outcome is unknown. If an outcome was sent before, the outbox recognises it by its key.
 */
async function makeGood(store: SqliteJournalStore, old: OldJournalMarks | undefined, wallMs: number): Promise<Result<MadeGood, StorageIssue>> {
  const checked = await store.checkRows();
  if (!checked.ok) return checked;
  const damaged = store.rowsLost;
  const last = old?.last;
  const known = last === undefined ? ok(true) : await knows(store, last);
  if (!known.ok) return known;
  const cut = last !== undefined && !known.value;
  if (cut) {
    const unfinished = await store.unfinished();
    if (!unfinished.ok) return unfinished;
    const open = unfinished.value.filter(({ state }) => state.kind !== "final");
    // The marks' own command comes last, so that a start interrupted in between finds the same state again.
    const rank = ({ id, attempt }: JournalEntry): number => (id === last.id && attempt === last.attempt ? 1 : 0);
    for (const entry of open.toSorted((a, b) => rank(a) - rank(b))) {
      const put = await store.put(endedUnknown(entry, wallMs));
      if (!put.ok) return put;
    }
  }
  let forgotten = false;
  for (const [owner, number] of old?.highest ?? []) {
    const raised = await store.raiseFloor(owner, number);
    if (!raised.ok) return raised;
    forgotten ||= raised.value;
  }
  if (cut || forgotten) return ok({ missed: { code: "storage.corrupt", message: "the end of the journal is missing: commands that it no longer knows are not run again" } });
  const kept = last === undefined ? {} : { last };
  if (damaged === 0) return ok(kept);
  return ok({ ...kept, missed: { code: "storage.corrupt", message: `${damaged} commands do not match their checksum and are not run again` } });
}

/** Whether the journal contains the last write recorded in its marks. */
async function knows(store: SqliteJournalStore, { id, attempt, owner, number, progress }: LastWrite): Promise<Result<boolean, StorageIssue>> {
  const found = await store.get(id, attempt);
  if (!found.ok) return found;
  if (found.value !== undefined) return ok(progressOf(found.value) >= progress);
  const floor = await store.floor(owner);
  return floor.ok ? ok(number <= floor.value) : floor;
}

function endedUnknown(entry: JournalEntry, wallMs: number): JournalEntry {
  const error: Issue = { code: "outcome-unknown", message: "the end of the journal was lost, so it is not known whether the command ran", hint: "If it is still needed, send the next attempt." };
  return { ...entry, state: { kind: "final", outcome: outcomeOf(entry, { state: "failed", error }), finishedWallMs: wallMs } };
}

/** Rows with valid checksums in order of arrival, and per owner the highest number among them and the floors. */
function readable(path: string): { readonly rows: readonly CommandRow[]; readonly floors: ReadonlyMap<string, number> } {
  const rows = new Map<number, CommandRow>();
  const floors = new Map<string, number>();
  const raise = (owner: string, number: number): void => void floors.set(owner, Math.max(floors.get(owner) ?? 0, number));
  let database: Database.Database | undefined;
  try {
    database = openSqlite(path, { timeout: 2_000 });
    database.pragma("locking_mode = EXCLUSIVE");
    const opened = database;
    // A damaged page ends a scan; the scan from the other end gets the rows behind it.
    for (const order of ["ASC", "DESC"] as const) {
      readAll(
        () => opened.prepare<[], CommandRow>(`SELECT * FROM command NOT INDEXED ORDER BY arrival ${order}`).iterate(),
        (row) => {
          if (rows.has(row.arrival) || entryOfRow(row) === undefined) return;
          rows.set(row.arrival, row);
          raise(row.owner, row.number);
        },
      );
    }
    readAll(
      () => opened.prepare<[], { owner: string; number: number; crc: number }>("SELECT owner, number, crc FROM floor").iterate(),
      (row) => {
        if (row.crc === floorChecksum(row.owner, row.number)) raise(row.owner, row.number);
      },
    );
  } catch (thrown) {
    // No longer a database: nothing can be recovered.
    storageIssueOrThrow(thrown);
  } finally {
    closeQuietly(database);
  }
  return { rows: [...rows.values()].sort((a, b) => a.arrival - b.arrival), floors };
}

function readAll<T>(rows: () => IterableIterator<T>, take: (row: T) => void): void {
  try {
    for (const row of rows()) take(row);
  } catch (thrown) {
    // Reached the damage; the rows before it were read.
    storageIssueOrThrow(thrown);
  }
}

function closeQuietly(file: { close(): unknown } | undefined): void {
  try {
    file?.close();
  } catch (thrown) {
    // The last checkpoint may fail: the file is damaged, or the disk is full.
    storageIssueOrThrow(thrown);
  }
}
