import Database from "better-sqlite3";
import type { Issue } from "../../../platform/ports/result.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import type { Quarantine } from "../sqlite/quarantine.ts";
import { storageIssueOrThrow } from "../sqlite/storage-issue.ts";
import { JOURNAL_SCHEMA } from "./journal-schema.ts";
import { entryOfRow, floorChecksum, SqliteJournalStore, type CommandRow } from "./sqlite-journal-store.ts";

/** What was found wrong with the journal at the start, for an alarm. */
export interface JournalDamage {
  readonly why: Issue;
  /** Where the damaged file is now. */
  readonly movedTo: string;
  /** Commands that could be read out of it. */
  readonly salvaged: number;
}

export type JournalOpening =
  | { readonly kind: "open"; readonly store: SqliteJournalStore; readonly damage?: JournalDamage }
  /** The disk lets nothing be stored; commands cannot be taken until it does. */
  | { readonly kind: "unusable"; readonly why: Issue };

/**
 * Opens the journal in any state it may be in. A file that cannot be trusted is moved aside, what is readable in it
 * is taken over, and the highest number seen becomes the floor: nobody can tell what of the rest has run.
 */
export async function openJournal(path: string, quarantine: Quarantine, wallMs: number): Promise<JournalOpening> {
  const first = openDatabase(path, JOURNAL_SCHEMA);
  if (first.kind === "open") return { kind: "open", store: new SqliteJournalStore(first.file) };
  if (first.kind === "unusable") return first;
  const movedTo = quarantine.moveAside(path, wallMs);
  if (movedTo === undefined) return { kind: "unusable", why: first.why };
  const fresh = openDatabase(path, JOURNAL_SCHEMA);
  if (fresh.kind !== "open") return { kind: "unusable", why: fresh.why };
  const { rows, floors } = readable(movedTo);
  const store = new SqliteJournalStore(fresh.file);
  // Floors first: a power cut in the middle must not leave rows without them.
  const putFloor = fresh.file.database.prepare("INSERT OR REPLACE INTO floor (owner, number, crc) VALUES (?, ?, ?)");
  for (const [owner, number] of floors) putFloor.run(owner, number, floorChecksum(owner, number));
  let salvaged = 0;
  for (const row of rows) {
    const entry = entryOfRow(row);
    if (entry === undefined) continue;
    await store.put(entry);
    salvaged += 1;
  }
  quarantine.trim();
  return { kind: "open", store, damage: { why: first.why, movedTo, salvaged } };
}

/** Rows with good checksums, in order of arrival, and per owner the highest number of them and of the floors. */
function readable(path: string): { readonly rows: readonly CommandRow[]; readonly floors: ReadonlyMap<string, number> } {
  const rows = new Map<number, CommandRow>();
  const floors = new Map<string, number>();
  const raise = (owner: string, number: number): void => void floors.set(owner, Math.max(floors.get(owner) ?? 0, number));
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 2_000 });
    database.pragma("locking_mode = EXCLUSIVE");
    const opened = database;
    // A damaged page ends a scan; the one from the other end gets what lies behind it.
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
    // Not even a database any more: there is nothing to take over.
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
    // The damaged place; what came before it has been taken.
    storageIssueOrThrow(thrown);
  }
}

function closeQuietly(database: Database.Database | undefined): void {
  try {
    database?.close();
  } catch (thrown) {
    // The last checkpoint of a damaged file may fail; it is only kept for people to look at.
    storageIssueOrThrow(thrown);
  }
}
