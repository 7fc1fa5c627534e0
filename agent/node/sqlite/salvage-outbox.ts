import type Database from "better-sqlite3";
import { perStream } from "../../core/outbox/per-stream.ts";
import type { ClockSegment, GapEntry } from "../../core/outbox/outbox-store.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import { GapLedger } from "../../core/outbox/gap-ledger.ts";
import type { DiskBudget } from "./disk-budget.ts";
import { QUALITIES, STREAM_IDS } from "./outbox-schema.ts";
import { PageScan, type RawRow } from "./page-scan.ts";
import type { OldMarks } from "./outbox-marks.ts";
import { outboxRowOf, type OutboxRow } from "./raw-outbox-row.ts";
import { rowChecksum } from "./row-checksum.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

type RecordRow = Extract<OutboxRow, { table: "records" }>;

export interface Salvage {
  readonly rows: number;
  /** Assigned numbers whose rows are neither here nor known to have been dropped. */
  readonly gaps: readonly GapEntry[];
  /** False when the file did not show how far its numbers had come, so more may be lost than `gaps` says. */
  readonly extentKnown: boolean;
}

/** Rows per transaction into the new file. */
const GROUP_ROWS = 256;
const GROUP_BYTES = 64 * 1024;
/** Pages copied from the end of the damaged file between two truncations. */
const CHUNK_PAGES = 256;
/** Pages kept behind those being read, because long rows may continue there. */
const MARGIN_PAGES = 256;

/** Row of table `meta` that names the damaged file during a salvage. */
export const SALVAGE_MARK = 2;

export interface SalvageOptions {
  /** Truncates the damaged file as its rows are copied, so that both files together stay under the cap. For a file too large to keep. */
  readonly eatUp: boolean;
  /** The marks beside the damaged file. */
  readonly marks?: OldMarks;
}

/**
 * Copies the readable part of a damaged outbox file into a new one. Records keep their numbers, so that gap records can
 * name the missing ones; the new file has another log id. Can be repeated after an interruption.
 */
export function salvageOutbox(damagedPath: string, database: Database.Database, budget: DiskBudget, { eatUp, marks }: SalvageOptions): Salvage {
  const scan = new PageScan(damagedPath);
  try {
    const small = readSmallTables(scan);
    noteOwnStreams(database, small);
    const extentKnown = marks?.current === true || STREAMS.every((stream) => small.streams.has(stream));
    if (marks !== undefined) noteMarks(small, marks);
    putSmallTables(database, small);
    budget.besideDamaged();
    const taker = new RowTaker(database, budget, perStream((stream) => small.streams.get(stream)?.floor ?? 0));
    if (eatUp) takeEatingUp(scan, taker);
    else for (const stream of STREAMS) taker.take(scan.rows(), [stream]);
    const gaps = database.transaction(() => {
      const found = STREAMS.flatMap((stream) => settleStream(database, stream, small, taker.skipped[stream]));
      noteGaps(database, [...small.gaps.values()], found);
      database.prepare("DELETE FROM meta WHERE id = ?").run(SALVAGE_MARK);
      return found;
    })();
    return { rows: taker.rows, gaps, extentKnown };
  } finally {
    scan.close();
  }
}

/** The most important streams first, while there is certainly room; then the WAL; then page by page from the end of the file. */
function takeEatingUp(scan: PageScan, taker: RowTaker): void {
  for (const stream of ["outcome", "alarm"] as const) taker.take(scan.rows(), [stream]);
  taker.take(scan.rowsOfWal(), STREAMS);
  scan.dropWal();
  for (let to = scan.pages; to > 0; to -= CHUNK_PAGES) {
    taker.take(scan.rowsOfPages(Math.max(1, to - CHUNK_PAGES + 1), to), STREAMS);
    scan.cut(Math.max(0, to - CHUNK_PAGES) + MARGIN_PAGES);
  }
  scan.cut(0);
}

/** Copies rows into the new file while there is room. */
class RowTaker {
  readonly #budget: DiskBudget;
  readonly #floors: Readonly<Record<Stream, number>>;
  readonly #write: (rows: readonly RecordRow[]) => number;
  rows = 0;
  /** Readable rows that did not fit. */
  readonly skipped = perStream(() => 0);

  constructor(database: Database.Database, budget: DiskBudget, floors: Readonly<Record<Stream, number>>) {
    this.#budget = budget;
    this.#floors = floors;
    const insert = perStream((stream) => database.prepare(insertSql(stream)));
    this.#write = database.transaction((rows: readonly RecordRow[]) => {
      return rows.reduce((sum, row) => sum + insert[row.stream].run(...columnsOf(row)).changes, 0);
    });
  }

  take(raws: Iterable<RawRow>, streams: readonly Stream[]): void {
    let group: RecordRow[] = [];
    let bytes = 0;
    for (const raw of raws) {
      const row = raw.values.length === 7 ? outboxRowOf(raw) : undefined;
      if (row?.table !== "records" || !streams.includes(row.stream) || row.seq <= this.#floors[row.stream]) continue;
      group.push(row);
      bytes += row.body.length;
      if (group.length < GROUP_ROWS && bytes < GROUP_BYTES) continue;
      this.#put(group);
      group = [];
      bytes = 0;
    }
    this.#put(group);
  }

  #put(group: readonly RecordRow[]): void {
    if (group.length === 0) return;
    try {
      this.rows += this.#write(group);
    } catch (thrown) {
      if (storageIssueOrThrow(thrown).code !== "storage.full") throw thrown;
      for (const row of group) this.skipped[row.stream] += 1;
    }
    this.#budget.besideDamaged();
  }
}

/** An interrupted salvage already wrote the numbers to the new file, and may have truncated their source. */
function noteOwnStreams(database: Database.Database, small: SmallTables): void {
  const rows = database.prepare("SELECT id, stored, floor, newest FROM stream").raw().all() as [number, number, number, number][];
  for (const [id, stored, floor, newest] of rows) {
    const stream = STREAMS.find((name) => STREAM_IDS[name] === id);
    if (stream !== undefined && newest > 0) note(small, { table: "stream", stream, stored, floor, newest });
  }
}

/** The cloud has everything up to `stored`. Sent again under the new log id, it would be stored twice. */
function noteMarks(small: SmallTables, { streams }: OldMarks): void {
  for (const stream of STREAMS) {
    const { stored, newest } = streams[stream];
    note(small, { table: "stream", stream, stored, floor: stored, newest });
  }
}

/** Records what is missing according to the marks, in one transaction: the losses, and the numbers that must not be reused. */
export function noteMissed(
  database: Database.Database,
  ends: readonly { readonly stream: Stream; readonly goOnAfter: number }[],
  gaps: readonly GapEntry[],
  owed: readonly GapEntry[],
): void {
  if (ends.length === 0) return;
  const numbers = database.prepare("SELECT stored, floor FROM stream WHERE id = ?").raw();
  const put = database.prepare("UPDATE stream SET newest = ?, crc = ? WHERE id = ?");
  database.transaction(() => {
    for (const { stream, goOnAfter } of ends) {
      const id = STREAM_IDS[stream];
      const [stored, floor] = numbers.get(id) as [number, number];
      put.run(goOnAfter, rowChecksum("stream", [id, stored, floor, goOnAfter], ""), id);
    }
    if (gaps.length > 0) noteGaps(database, owed, gaps);
  })();
}

/**
 * Inserts rows from the end of a WAL that SQLite did not accept, because they follow a damaged place, into the open
 * database. `rows` were read by `recordsInWal` before it was opened.
 */
export function salvageTail(
  rows: readonly RecordRow[],
  database: Database.Database,
  newest: Readonly<Record<Stream, number>>,
  owed: readonly GapEntry[],
): Salvage {
  const gaps: GapEntry[] = [];
  let count = 0;
  database.transaction(() => {
    for (const stream of STREAMS) {
      const lost = rows.filter((row) => row.stream === stream && row.seq > newest[stream]);
      const insert = database.prepare(insertSql(stream));
      for (const row of lost) count += insert.run(...columnsOf(row)).changes;
      const highest = lost.reduce((max, row) => Math.max(max, row.seq), newest[stream]);
      const holes = highest - newest[stream] - new Set(lost.map((row) => row.seq)).size;
      if (holes > 0) gaps.push({ stream, reason: "corrupt", source: "", from: newest[stream] + 1, to: highest, count: holes });
    }
    if (gaps.length > 0) noteGaps(database, owed, gaps);
  })();
  return { rows: count, gaps, extentKnown: true };
}

/** All records in a WAL, whether SQLite accepts it or not. Call before the database is opened, which changes the WAL. */
export function recordsInWal(path: string): RecordRow[] {
  const scan = new PageScan(path, { database: false });
  try {
    const found = new Map<string, RecordRow>();
    for (const raw of scan.rows()) {
      const row = outboxRowOf(raw);
      if (row?.table === "records") found.set(`${row.stream}/${row.seq}`, row);
    }
    return [...found.values()].sort((a, b) => a.seq - b.seq);
  } finally {
    scan.close();
  }
}

interface SmallTables {
  readonly streams: Map<Stream, { stored: number; floor: number; newest: number }>;
  readonly segments: Map<number, ClockSegment>;
  readonly kinds: Map<number, { readonly name: string; readonly crc: number }>;
  readonly gaps: Map<number, GapEntry>;
  readonly keys: Map<string, number>;
}

function readSmallTables(scan: PageScan): SmallTables {
  const small: SmallTables = { streams: new Map(), segments: new Map(), kinds: new Map(), gaps: new Map(), keys: new Map() };
  for (const raw of scan.rows()) {
    const row = raw.values.length === 7 ? undefined : outboxRowOf(raw);
    if (row !== undefined) note(small, row);
  }
  return small;
}

/** Merges versions of a row: numbers only rise, a synchronised clock stays so, otherwise the later version wins. */
function note(small: SmallTables, row: OutboxRow): void {
  switch (row.table) {
    case "stream": {
      const before = small.streams.get(row.stream) ?? { stored: 0, floor: 0, newest: 0 };
      small.streams.set(row.stream, {
        stored: Math.max(before.stored, row.stored),
        floor: Math.max(before.floor, row.floor),
        newest: Math.max(before.newest, row.newest),
      });
      return;
    }
    case "segment": {
      const { segment } = row;
      if (small.segments.get(segment.id)?.quality !== "synced" || segment.quality === "synced") small.segments.set(segment.id, segment);
      return;
    }
    case "kind":
      small.kinds.set(row.id, row);
      return;
    case "gap":
      small.gaps.set(row.id, row.gap);
      return;
    case "recent_key":
      small.keys.set(row.key, row.seq);
      return;
    case "records":
      return;
  }
}

function putSmallTables(database: Database.Database, small: SmallTables): void {
  database.transaction(() => {
    for (const [stream, { floor, newest }] of small.streams) putStream(database, stream, floor, newest);
    const segment = database.prepare("INSERT OR REPLACE INTO segment (id, boot, quality, wall_offset, since_mono, crc) VALUES (?, ?, ?, ?, ?, ?)");
    for (const { id, boot, quality, offsetMs, sinceMonoMs } of small.segments.values()) {
      const numbers = [id, QUALITIES.indexOf(quality), offsetMs, sinceMonoMs];
      segment.run(id, boot, QUALITIES.indexOf(quality), offsetMs, sinceMonoMs, rowChecksum("segment", numbers, boot));
    }
    const kind = database.prepare("INSERT OR REPLACE INTO kind (id, name, crc) VALUES (?, ?, ?)");
    for (const [id, { name, crc }] of small.kinds) kind.run(id, name, crc);
    database.exec("DELETE FROM recent_key");
    const key = database.prepare("INSERT INTO recent_key (dedupe_key, seq, crc) VALUES (?, ?, ?)");
    for (const [text, seq] of small.keys) key.run(text, seq, rowChecksum("recent_key", [seq], text));
  })();
}

/** Sets a stream's numbers in the new file and counts the missing records below them. */
function settleStream(database: Database.Database, stream: Stream, small: SmallTables, skipped: number): GapEntry[] {
  const known = small.streams.get(stream);
  const ends = database.prepare(`SELECT count(*), min(seq), max(seq) FROM "${stream}"`).raw();
  const [count, first, last] = ends.get() as [number, number | null, number | null];
  const floor = known?.floor ?? (first ?? 1) - 1;
  const newest = Math.max(known?.newest ?? 0, floor, last ?? 0);
  putStream(database, stream, floor, newest);
  const missing = newest - floor - count;
  if (missing <= 0) return [];
  const from = first === null || first > floor + 1 ? floor + 1 : edge(database, stream, "seq + 1", "ASC");
  const to = last === null || last < newest ? newest : edge(database, stream, "seq - 1", "DESC");
  // Rows that did not fit are among the missing; which ones does not matter.
  const noRoom = Math.min(skipped, missing);
  const entry = { stream, source: "", from, to };
  return [
    ...(missing > noRoom ? [{ ...entry, reason: "corrupt" as const, count: missing - noRoom }] : []),
    ...(noRoom > 0 ? [{ ...entry, reason: "quota" as const, count: noRoom }] : []),
  ];
}

function putStream(database: Database.Database, stream: Stream, floor: number, newest: number): void {
  const values = [STREAM_IDS[stream], floor, floor, newest];
  const put = database.prepare("INSERT OR REPLACE INTO stream (id, stored, floor, newest, crc) VALUES (?, ?, ?, ?, ?)");
  put.run(...values, rowChecksum("stream", values, ""));
}

/** Writes the pending gaps together with the new losses. */
function noteGaps(database: Database.Database, owed: readonly GapEntry[], found: readonly GapEntry[]): void {
  const ledger = new GapLedger(owed);
  for (const gap of found) ledger.add(gap);
  database.exec("DELETE FROM gap");
  const insert = database.prepare("INSERT INTO gap (id, entry, crc) VALUES (?, ?, ?)");
  for (const [index, entry] of ledger.entries().entries()) {
    const text = JSON.stringify(entry);
    insert.run(index + 1, text, rowChecksum("gap", [index + 1], text));
  }
}

/** First number adjacent to a row that has no row itself. */
function edge(database: Database.Database, stream: Stream, next: string, order: "ASC" | "DESC"): number {
  const taken = `SELECT 1 FROM "${stream}" AS there WHERE there.seq = here.${next}`;
  const sql = `SELECT ${next} FROM "${stream}" AS here WHERE NOT EXISTS (${taken}) ORDER BY seq ${order} LIMIT 1`;
  return database.prepare(sql).pluck().get() as number;
}

function insertSql(stream: Stream): string {
  return `INSERT OR IGNORE INTO "${stream}" (seq, segment, kind, mono, crc, dedupe_key, body) VALUES (?, ?, ?, ?, ?, ?, ?)`;
}

function columnsOf(row: RecordRow): [number, number, number, number, number, string | null, string] {
  return [row.seq, row.segment, row.kind, row.monoMs, row.crc, row.dedupeKey, row.body];
}
