import { mkdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { perStream } from "../../core/outbox/per-stream.ts";
import { MemoryDisk } from "../../core/outbox/memory-outbox-store.ts";
import type { GapEntry, OpenOutboxStore, OutboxOpening, StorageLoss } from "../../core/outbox/outbox-store.ts";
import { STREAMS } from "../../protocol/records.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { DiskBudget, reservePath } from "./disk-budget.ts";
import { openDatabase } from "./open-database.ts";
import { marksPath, missedBy, OutboxMarks, readMarks, type MarksReading } from "./outbox-marks.ts";
import { OUTBOX_SCHEMA, STREAM_IDS } from "./outbox-schema.ts";
import { Quarantine } from "./quarantine.ts";
import { walIsUnreadable } from "./page-scan.ts";
import { readContents } from "./read-contents.ts";
import { rowChecksum } from "./row-checksum.ts";
import { noteMissed, recordsInWal, SALVAGE_MARK, salvageOutbox, salvageTail, type Salvage, type SalvageOptions } from "./salvage-outbox.ts";
import { fileBytes, type SqliteFile } from "./sqlite-file.ts";
import { SqliteOutboxStore } from "./sqlite-outbox-store.ts";
import { storageIssueOf, storageIssueOrThrow } from "./storage-issue.ts";

export interface OutboxFileOptions {
  /** The database file; its folder is created if missing. */
  readonly path: string;
  /** Folder for damaged files; their bytes count against the cap. */
  readonly quarantine: string;
  /** Limit for the database, its WAL, its reserve and the quarantine together. At least 4 MiB. */
  readonly capBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Id of this boot: marks of an earlier boot may be older than the outbox. Absent: all runs count as one boot. */
  readonly boot?: string;
}

/** Memory limit of the outbox without a usable disk. */
const MEMORY_BYTES_MAX = 2 * 1024 * 1024;
/** Maximum share of the cap for damaged files. */
export const QUARANTINE_PART = 1 / 8;
/** Our WAL is never longer than this; a longer one is not ours and is left to SQLite. */
const WAL_READ_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Opens the outbox whatever state its file is in. An untrusted file is moved to the quarantine, its readable rows are
 * copied to a new one, and what is missing is counted. With an unwritable disk the result is a store in memory that says
 * so.
 */
export function sqliteOutboxOpener(options: OutboxFileOptions): OpenOutboxStore {
  return () => Promise.resolve(openOutbox(options));
}

type Opened = { readonly kind: "open"; readonly opening: OutboxOpening } | { readonly kind: "damaged" | "unusable"; readonly why: Issue };

function openOutbox(options: OutboxFileOptions): OutboxOpening {
  try {
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
    const quarantine = new Quarantine(options.quarantine, Math.floor(options.capBytes * QUARANTINE_PART));
    const marks = readMarks(options.path, bootOf(options));
    const first = openFile(options, quarantine, marks);
    // On a full disk, delete the reserve: it exists so that stored records can still be opened, sent and deleted.
    const again = first.kind === "unusable" && first.why.code === "storage.full" && fileBytes(reservePath(options.path)) > 0;
    if (again) rmSync(reservePath(options.path), { recursive: true });
    const opened = again ? openFile(options, quarantine, marks) : first;
    if (opened.kind === "open") return opened.opening;
    if (opened.kind === "unusable") return inMemory(options, opened.why, []);
    return replace(options, quarantine, opened.why, marks);
  } catch (thrown) {
    return inMemory(options, storageIssueOrThrow(thrown), []);
  }
}

function openFile(options: OutboxFileOptions, quarantine: Quarantine, marks: MarksReading): Opened {
  const { path } = options;
  const wal = statSync(`${path}-wal`, { throwIfNoEntry: false });
  const walBytes = wal?.isFile() === true ? wal.size : 0;
  const unreadable = walBytes > 0 && walIsUnreadable(path);
  const inWal = walBytes > 0 && walBytes <= WAL_READ_BYTES_MAX ? recordsInWal(path) : [];
  const opened = openDatabase(path, OUTBOX_SCHEMA);
  if (opened.kind !== "open") return opened;
  const { file } = opened;
  try {
    fillNew(file, newLogId(options));
    const losses = [...resumeSalvage(options, quarantine, file, marks)];
    const before = readContents(file.database);
    if (before === undefined) return giveUp(file, "the log's id or its numbers do not match their checksum");
    const gone = walBytes === 0 && mark(file, RUNNING_MARK) !== undefined;
    const newest = perStream((stream) => before.contents.streams[stream].newest);
    const tail = salvageTail(inWal, file.database, newest, before.contents.gaps);
    const missed = missedSince(file, marks);
    const found = { rows: tail.rows, gaps: [...tail.gaps, ...missed], extentKnown: typeof marks === "object" && marks.current };
    if (unreadable || gone || found.rows > 0 || found.gaps.length > 0) losses.push(tailLoss(path, found, unreadable || gone, missed.length > 0));
    else if (typeof marks === "string" && mark(file, MARKED_MARK) !== undefined) losses.push(marksLoss(path, marks));
    return { kind: "open", opening: begin(options, file, budgetOf(options, quarantine, file, false), losses) };
  } catch (thrown) {
    const issue = storageIssueOrThrow(thrown);
    closeAnyway(file);
    return { kind: issue.code === "storage.corrupt" ? "damaged" : "unusable", why: issue };
  }
}

/** Moves the damaged file aside and starts a new one with its readable rows. */
function replace(options: OutboxFileOptions, quarantine: Quarantine, why: Issue, marks: MarksReading): OutboxOpening {
  const { path } = options;
  const aside = quarantine.moveAside(path, options.clock.wallMs());
  if (aside === undefined) return inMemory(options, { code: "storage.read-only", message: "a damaged outbox cannot be moved aside" }, []);
  const opened = openDatabase(path, OUTBOX_SCHEMA);
  if (opened.kind !== "open") return inMemory(options, opened.why, [lossOf(options, why, aside, NOTHING)]);
  const { file } = opened;
  try {
    fillNew(file, newLogId(options), basename(aside));
    const budget = budgetOf(options, quarantine, file, true);
    const salvage = salvageFrom(aside, file, budget, marks, { eatUp: quarantine.bytes() > quarantine.bytesMax });
    budget.settle();
    return begin(options, file, budget, [lossOf(options, why, aside, salvage)]);
  } catch (thrown) {
    const issue = storageIssueOrThrow(thrown);
    closeAnyway(file);
    return inMemory(options, issue, [lossOf(options, why, aside, NOTHING)]);
  }
}

/** Creates the store on an open file. From here on its WAL is never empty, so that a missing one is noticed. */
function begin(options: OutboxFileOptions, file: SqliteFile, budget: DiskBudget, losses: readonly StorageLoss[]): OutboxOpening {
  const read = readContents(file.database);
  if (read === undefined) throw new Error("an outbox file does not read back what was just written");
  // Losses must be on disk before the marks are overwritten.
  file.checkpoint(false);
  const marks = OutboxMarks.open(options.path, bootOf(options), read.contents.streams);
  setMark(file, RUNNING_MARK, "running");
  setMark(file, MARKED_MARK, marks === undefined ? undefined : "marked");
  file.checkpoint(false);
  const store = new SqliteOutboxStore({ file, budget, streams: streamsOf(read), atClose: () => setMark(file, RUNNING_MARK, undefined), ...(marks && { marks }) });
  return { store, contents: read.contents, losses };
}

/** Records what the marks know and the database does not: it counts as lost, and its numbers are not reused. */
function missedSince(file: SqliteFile, marks: MarksReading): readonly GapEntry[] {
  if (typeof marks === "string") return [];
  const now = readContents(file.database)?.contents;
  if (now === undefined) throw new Error("an outbox file does not read back what was just written");
  const missed = STREAMS.map((stream) => ({ stream, ...missedBy(marks, stream, now.streams[stream].newest) }));
  const gaps = missed.flatMap(({ gap }) => gap ?? []);
  noteMissed(file.database, missed.filter(({ stream, goOnAfter }) => goOnAfter > now.streams[stream].newest), gaps, now.gaps);
  return gaps;
}

/** Completes a salvage that was interrupted by a power cut. */
function resumeSalvage(options: OutboxFileOptions, quarantine: Quarantine, file: SqliteFile, marks: MarksReading): StorageLoss[] {
  const name = mark(file, SALVAGE_MARK);
  if (name === undefined) return [];
  const aside = join(options.quarantine, basename(name));
  const budget = budgetOf(options, quarantine, file, true);
  const salvage = salvageFrom(aside, file, budget, marks, { eatUp: quarantine.bytes() > quarantine.bytesMax });
  setMark(file, SALVAGE_MARK, undefined);
  budget.settle();
  return [lossOf(options, { code: "storage.corrupt", message: "an interrupted salvage was completed" }, aside, salvage)];
}

function lossOf(options: OutboxFileOptions, why: Issue, aside: string, salvage: Salvage): StorageLoss {
  const quarantined = fileBytes(aside) > 0 ? { quarantined: join(basename(options.quarantine), basename(aside)) } : {};
  return { file: basename(options.path), why, ...quarantined, salvagedRows: salvage.rows, extentKnown: salvage.extentKnown, gaps: salvage.gaps };
}

/** Row of table `meta` that exists while the outbox is in use. */
const RUNNING_MARK = 3;
/** Row of table `meta` that exists once there is a mark file beside the database. */
const MARKED_MARK = 4;

function mark(file: SqliteFile, id: number): string | undefined {
  return file.database.prepare("SELECT log FROM meta WHERE id = ?").pluck().get(id) as string | undefined;
}

function setMark(file: SqliteFile, id: number, text: string | undefined): void {
  if (text === undefined) file.database.prepare("DELETE FROM meta WHERE id = ?").run(id);
  else file.database.prepare("INSERT OR REPLACE INTO meta (id, log, crc) VALUES (?, ?, ?)").run(id, text, rowChecksum("meta", [id], text));
}

const NOTHING: Salvage = { rows: 0, gaps: [], extentKnown: false };

/** Salvages what it can; a file that cannot even be scanned yields nothing and must not stop the agent. */
function salvageFrom(aside: string, file: SqliteFile, budget: DiskBudget, marks: MarksReading, options: SalvageOptions): Salvage {
  try {
    const salvage = salvageOutbox(aside, file.database, budget, { ...options, ...(typeof marks === "object" && { marks }) });
    if (options.eatUp) rmSync(aside, { force: true });
    return salvage;
  } catch (thrown) {
    if (storageIssueOf(thrown) === undefined) throw thrown;
    return NOTHING;
  }
}

function tailLoss(path: string, tail: Salvage, whole: boolean, cut: boolean): StorageLoss {
  const lost = tail.gaps.reduce((sum, { count }) => sum + count, 0);
  const message = whole
    ? `the write-ahead log is missing or cannot be read; ${lost} records written since the last checkpoint are known to be lost`
    : cut
      ? `the end of the outbox is missing: ${lost} records that were on disk are lost`
      : "the write-ahead log is damaged in one place; the records behind it were recovered";
  const extentKnown = tail.extentKnown || (!whole && !cut);
  return { file: `${basename(path)}-wal`, why: { code: "storage.corrupt", message }, salvagedRows: tail.rows, extentKnown, gaps: tail.gaps };
}

/** No loss is known, but without the marks a cut end of the outbox would go unnoticed. */
function marksLoss(path: string, reading: "absent" | "unreadable"): StorageLoss {
  const how = reading === "absent" ? "are missing" : "cannot be read";
  const message = `the marks beside the outbox ${how}: records at its end may be lost`;
  return { file: basename(marksPath(path)), why: { code: "storage.corrupt", message }, salvagedRows: 0, extentKnown: false, gaps: [] };
}

function budgetOf(options: OutboxFileOptions, quarantine: Quarantine, file: SqliteFile, salvaging: boolean): DiskBudget {
  const { capBytes, clock } = options;
  return new DiskBudget({ file, quarantine, capBytes, salvaging, monotonicMs: () => clock.monotonicMs() });
}

function streamsOf(read: NonNullable<ReturnType<typeof readContents>>) {
  return perStream((stream) => {
    const { stored, newest } = read.contents.streams[stream];
    return { stored, floor: read.floors[stream], newest };
  });
}

/** Gives a new file its log id and sequence numbers; an existing one keeps them. */
function fillNew(file: SqliteFile, log: string, salvageFromName?: string): void {
  const { database } = file;
  const isNew = database.prepare("SELECT (SELECT count(*) FROM meta) + (SELECT count(*) FROM stream)").pluck().get() === 0;
  if (!isNew) return;
  database.transaction(() => {
    database.prepare("INSERT INTO meta (id, log, crc) VALUES (1, ?, ?)").run(log, rowChecksum("meta", [1], log));
    if (salvageFromName !== undefined) setMark(file, SALVAGE_MARK, salvageFromName);
    const insert = database.prepare("INSERT INTO stream (id, stored, floor, newest, crc) VALUES (?, 0, 0, 0, ?)");
    for (const stream of STREAMS) insert.run(STREAM_IDS[stream], rowChecksum("stream", [STREAM_IDS[stream], 0, 0, 0], ""));
  })();
  // Makes the new file durable.
  file.checkpoint(true);
}

function giveUp(file: SqliteFile, message: string): Opened {
  closeAnyway(file);
  return { kind: "damaged", why: { code: "storage.corrupt", message } };
}

function closeAnyway(file: SqliteFile): void {
  try {
    file.close();
  } catch (thrown) {
    // The last checkpoint failed on a file that is being discarded anyway.
    storageIssueOrThrow(thrown);
  }
}

function inMemory(options: OutboxFileOptions, why: Issue, losses: readonly StorageLoss[]): OutboxOpening {
  const disk = new MemoryDisk(newLogId(options), Math.min(MEMORY_BYTES_MAX, options.capBytes));
  return { ...disk.open(), degraded: why, losses };
}

function bootOf(options: OutboxFileOptions): string {
  return options.boot ?? "";
}

function newLogId(options: OutboxFileOptions): string {
  return toHex(options.random.bytes(12));
}
