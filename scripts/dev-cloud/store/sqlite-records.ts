import type Database from "better-sqlite3";
import { STREAMS, type Stream } from "../../../agent/protocol/records.ts";
import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { LogPositions, NewRecord, Position, RecordQuery, RecordRow } from "../sessions/cloud-store.ts";

const CLOCKS: readonly ClockQuality[] = ["unset", "local", "synced"];
const REPLAY = 4;
const HIDDEN = 8;
const COLUMNS = `cursor, d.id AS device, l.log AS log, r.stream AS stream, seq, k.text AS kind, b.text AS boot, wall, mono, flags,
  received, body FROM records r JOIN devices d ON d.key = r.device JOIN logs l ON l.key = r.log
  JOIN names k ON k.key = r.kind JOIN names b ON b.key = r.boot`;

interface SqlRecord {
  readonly cursor: number;
  readonly device: string;
  readonly log: string;
  readonly stream: number;
  readonly seq: number;
  readonly kind: string;
  readonly boot: string;
  readonly wall: number;
  readonly mono: number;
  readonly flags: number;
  readonly received: number;
  readonly body: string;
}

/** The tables of records and positions. */
export class SqliteRecords {
  readonly #db: Database.Database;
  readonly #insert: Database.Statement;
  readonly #position: Database.Statement;
  readonly #putPosition: Database.Statement;
  readonly #deviceKey: Database.Statement;
  readonly #has: Database.Statement;
  /** Caches of integer keys; cleared after a rollback by `forgetKeys`. */
  readonly #names = new Map<string, number>();
  readonly #logs = new Map<string, number>();
  readonly #devices = new Map<string, number>();
  #nextCursor: number;

  constructor(db: Database.Database, lastCursor: number) {
    this.#db = db;
    this.#nextCursor = lastCursor + 1;
    this.#insert = db.prepare(
      `INSERT INTO records (cursor, device, log, stream, seq, kind, boot, wall, mono, flags, received, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#position = db.prepare("SELECT up_to, holes FROM positions WHERE log = ? AND stream = ?");
    this.#putPosition = db.prepare(
      `INSERT INTO positions (log, stream, up_to, holes)
        VALUES (?, ?, ?, ?)
        ON CONFLICT (log, stream) DO UPDATE
        SET up_to = excluded.up_to, holes = excluded.holes`,
    );
    this.#deviceKey = db.prepare("SELECT key FROM devices WHERE id = ?").pluck();
    this.#has = db.prepare("SELECT 1 FROM records WHERE log = ? AND stream = ? AND seq = ?").pluck();
  }

  /** Call after a rollback or a removal: cached keys may no longer exist. */
  forgetKeys(): void {
    this.#names.clear();
    this.#logs.clear();
    this.#devices.clear();
  }

  position(device: string, log: string, stream: Stream): Position {
    const key = this.#logKey(device, log);
    const row =
      key === undefined
        ? undefined
        : (this.#position.get(key, STREAMS.indexOf(stream)) as { up_to: number; holes: string } | undefined);
    return row === undefined ? { upTo: 0, holes: [] } : { upTo: row.up_to, holes: JSON.parse(row.holes) as Position["holes"] };
  }

  putPosition(device: string, log: string, stream: Stream, position: Position, nowMs: number): void {
    this.#putPosition.run(
      this.#logKeyOrNew(device, log, nowMs),
      STREAMS.indexOf(stream),
      position.upTo,
      position.holes.length === 0 ? "[]" : JSON.stringify(position.holes),
    );
  }

  positions(device: string): readonly LogPositions[] {
    const rows = this.#db
      .prepare(
        `SELECT l.log AS log, l.first_seen AS firstSeenMs, p.stream AS stream, p.up_to AS upTo, p.holes AS holes FROM logs l
          LEFT JOIN positions p ON p.log = l.key
          WHERE l.device = ? ORDER BY l.key, p.stream`,
      )
      .all(device) as { log: string; firstSeenMs: number; stream: number | null; upTo: number; holes: string }[];
    const logs = new Map<string, { log: string; firstSeenMs: number; streams: Partial<Record<Stream, Position>> }>();
    for (const row of rows) {
      const entry = logs.get(row.log) ?? { log: row.log, firstSeenMs: row.firstSeenMs, streams: {} };
      logs.set(row.log, entry);
      const stream = row.stream === null ? undefined : STREAMS[row.stream];
      if (stream !== undefined) entry.streams[stream] = { upTo: row.upTo, holes: JSON.parse(row.holes) as Position["holes"] };
    }
    return [...logs.values()];
  }

  append(records: readonly NewRecord[], bodies: readonly string[] = []): readonly RecordRow[] {
    const rows: RecordRow[] = [];
    for (const [at, record] of records.entries()) {
      const cursor = this.#nextCursor++;
      const flags = CLOCKS.indexOf(record.clock) + (record.replay ? REPLAY : 0) + (record.hidden ? HIDDEN : 0);
      this.#insert.run(
        cursor,
        this.#keyOfDevice(record.device),
        this.#logKeyOrNew(record.device, record.log, record.receivedMs),
        STREAMS.indexOf(record.stream),
        record.seq,
        this.#nameKey(record.kind),
        this.#nameKey(record.boot),
        record.wallMs,
        record.monoMs,
        flags,
        record.receivedMs,
        bodies[at] ?? JSON.stringify(record.body),
      );
      rows.push({ ...record, cursor });
    }
    return rows;
  }

  has(device: string, log: string, stream: Stream, seq: number): boolean {
    const key = this.#logKey(device, log);
    return key !== undefined && this.#has.get(key, STREAMS.indexOf(stream), seq) !== undefined;
  }

  query(query: RecordQuery): readonly RecordRow[] {
    const device = this.#deviceKey.get(query.device) as number | undefined;
    if (device === undefined || query.streams.length === 0) return [];
    const up = query.after !== undefined;
    const bound = query.after ?? query.before ?? Number.MAX_SAFE_INTEGER;
    // One index scan per stream, then merged: a stream with a million rows does not slow down the others.
    const found = query.streams.flatMap((stream) => this.#queryStream(device, STREAMS.indexOf(stream), up, bound, query));
    found.sort((a, b) => (up ? a.cursor - b.cursor : b.cursor - a.cursor));
    return found.slice(0, query.limit);
  }

  telemetry(device: string, fromMs: number, toMs: number, limit: number): readonly RecordRow[] {
    const key = this.#deviceKey.get(device) as number | undefined;
    if (key === undefined) return [];
    const rows = this.#db
      .prepare(
        `SELECT ${COLUMNS} WHERE r.device = ? AND r.stream = 4
          AND wall >= ?
          AND wall <= ? AND k.text = 'telemetry' ORDER BY wall DESC, cursor DESC LIMIT ?`,
      )
      .all(key, fromMs, toMs, limit) as SqlRecord[];
    return rows.reverse().map(recordRow);
  }

  count(device: string, stream: Stream): number {
    const key = this.#deviceKey.get(device) as number | undefined;
    if (key === undefined) return 0;
    return this.#db
      .prepare("SELECT count(*) FROM records WHERE device = ? AND stream = ?")
      .pluck()
      .get(key, STREAMS.indexOf(stream)) as number;
  }

  #queryStream(device: number, stream: number, up: boolean, bound: number, query: RecordQuery): RecordRow[] {
    const kind = query.kind === undefined ? "" : " AND k.text = ?";
    const sql = `SELECT ${COLUMNS} WHERE r.device = ? AND r.stream = ?
      AND cursor ${up ? ">" : "<"} ? AND flags < ${HIDDEN}${kind} ORDER BY cursor ${up ? "ASC" : "DESC"} LIMIT ?`;
    const values = [device, stream, bound, ...(query.kind === undefined ? [] : [query.kind]), query.limit];
    return (this.#db.prepare(sql).all(...values) as SqlRecord[]).map(recordRow);
  }

  #keyOfDevice(id: string): number {
    let key = this.#devices.get(id);
    if (key === undefined) {
      key = this.#deviceKey.get(id) as number | undefined;
      if (key === undefined) throw new Error(`records of an unknown device: ${id}`);
      this.#devices.set(id, key);
    }
    return key;
  }

  #logKey(device: string, log: string): number | undefined {
    const name = `${device} ${log}`;
    let key = this.#logs.get(name);
    if (key === undefined) {
      key = this.#db.prepare("SELECT key FROM logs WHERE device = ? AND log = ?").pluck().get(device, log) as number | undefined;
      if (key !== undefined) this.#logs.set(name, key);
    }
    return key;
  }

  #logKeyOrNew(device: string, log: string, nowMs: number): number {
    const known = this.#logKey(device, log);
    if (known !== undefined) return known;
    const made = Number(
      this.#db.prepare("INSERT INTO logs (device, log, first_seen) VALUES (?, ?, ?)").run(device, log, nowMs).lastInsertRowid,
    );
    this.#logs.set(`${device} ${log}`, made);
    return made;
  }

  #nameKey(text: string): number {
    let key = this.#names.get(text);
    if (key === undefined) {
      key = this.#db.prepare("SELECT key FROM names WHERE text = ?").pluck().get(text) as number | undefined;
      key ??= Number(this.#db.prepare("INSERT INTO names (text) VALUES (?)").run(text).lastInsertRowid);
      // Boots and kinds come from devices: a hostile one must not exhaust memory.
      if (this.#names.size >= 10_000) this.#names.clear();
      this.#names.set(text, key);
    }
    return key;
  }
}

function recordRow(row: SqlRecord): RecordRow {
  const stream = STREAMS[row.stream];
  const clock = CLOCKS[row.flags & 3];
  if (stream === undefined || clock === undefined)
    throw new Error(`record ${row.cursor} has a stream or clock that this version does not know`);
  return {
    cursor: row.cursor,
    device: row.device,
    log: row.log,
    boot: row.boot,
    stream,
    seq: row.seq,
    kind: row.kind,
    wallMs: row.wall,
    monoMs: row.mono,
    clock,
    replay: (row.flags & REPLAY) !== 0,
    hidden: (row.flags & HIDDEN) !== 0,
    receivedMs: row.received,
    body: JSON.parse(row.body) as JsonObject,
  };
}
