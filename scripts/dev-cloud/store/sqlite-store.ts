import Database from "better-sqlite3";
import type { Stream } from "../../../agent/protocol/records.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import {
  isFinal,
  type CloudStore,
  type CommandQuery,
  type CommandRow,
  type DeviceRow,
  type DocumentKind,
  type DocumentRow,
  type LogPositions,
  type NewRecord,
  type Position,
  type PruneReport,
  type RecordQuery,
  type RecordRow,
  type RetentionCaps,
  type UploadQuery,
  type UploadRow,
} from "../sessions/cloud-store.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";
import { pruneTables } from "./sqlite-prune.ts";
import { SqliteRecords } from "./sqlite-records.ts";

export interface SqliteStoreOptions {
  /** Path of the file, or `:memory:`. */
  readonly file: string;
  /**
   * `power-cut` (default): a commit is flushed to disk before it returns. `process`: it survives a crash of the
   * process but not of the machine; for benchmarks that measure something else.
   */
  readonly survives?: "power-cut" | "process";
}

/** The file has another schema version or is not our database. */
export class StoreVersionError extends Error {
  override readonly name = "StoreVersionError";
}

/** The cloud's store in one SQLite file in WAL mode. Synchronous, with a single connection and short transactions. */
export class SqliteStore implements CloudStore {
  readonly #db: Database.Database;
  readonly #records: SqliteRecords;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(options: SqliteStoreOptions) {
    this.#db = new Database(options.file, { timeout: 1_000 });
    // One process at a time: a second one on the same file fails with SQLITE_BUSY.
    this.#db.pragma("locking_mode = EXCLUSIVE");
    this.#db.pragma("journal_mode = WAL");
    this.#db.pragma(`synchronous = ${options.survives === "process" ? "NORMAL" : "FULL"}`);
    this.#db.pragma("journal_size_limit = 16777216");
    this.#db.pragma("cache_size = -16000");
    this.#db.pragma("foreign_keys = OFF");
    this.#prepareSchema();
    const last = this.#db
      .prepare(
        `SELECT max(coalesce((SELECT max(cursor) FROM records), 0), coalesce((SELECT value FROM counters WHERE name = 'cursor'), 0))`,
      )
      .pluck()
      .get();
    this.#records = new SqliteRecords(this.#db, last as number);
  }

  transaction<T>(work: () => T): T {
    this.#sql("BEGIN IMMEDIATE").run();
    let result: T;
    try {
      result = work();
      this.#sql("COMMIT").run();
    } catch (thrown) {
      // A failed COMMIT (disk full) may already have rolled back.
      if (this.#db.inTransaction) this.#sql("ROLLBACK").run();
      this.#records.forgetKeys();
      throw thrown;
    }
    return result;
  }

  savepoint<T>(work: () => T): T {
    // Without a transaction SQLite would begin one here, and RELEASE would commit it.
    if (!this.#db.inTransaction) throw new Error("a savepoint needs a transaction");
    this.#sql("SAVEPOINT part").run();
    try {
      const result = work();
      this.#sql("RELEASE part").run();
      return result;
    } catch (thrown) {
      this.#records.forgetKeys();
      // A full disk may have rolled the whole transaction back; then its COMMIT fails.
      if (this.#db.inTransaction) {
        this.#sql("ROLLBACK TO part").run();
        this.#sql("RELEASE part").run();
      }
      throw thrown;
    }
  }

  devices(): readonly DeviceRow[] {
    return (this.#sql("SELECT row FROM devices ORDER BY id").pluck().all() as string[]).map(
      (text) => JSON.parse(text) as DeviceRow,
    );
  }

  device(id: string): DeviceRow | undefined {
    return parsed<DeviceRow>(this.#sql("SELECT row FROM devices WHERE id = ?").pluck().get(id));
  }

  putDevice(row: DeviceRow): void {
    this.#sql("INSERT INTO devices (id, row) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET row = excluded.row").run(
      row.id,
      JSON.stringify(row),
    );
  }

  removeDevice(id: string): void {
    const key = this.#sql("SELECT key FROM devices WHERE id = ?").pluck().get(id) as number | undefined;
    if (key === undefined) return;
    this.#keepCursor();
    this.#sql("DELETE FROM records WHERE device = ?").run(key);
    this.#sql("DELETE FROM positions WHERE log IN (SELECT key FROM logs WHERE device = ?)").run(id);
    for (const table of ["logs", "documents", "commands", "uploads"]) this.#sql(`DELETE FROM ${table} WHERE device = ?`).run(id);
    this.#sql("DELETE FROM devices WHERE key = ?").run(key);
    this.#records.forgetKeys();
  }

  document(device: string, kind: DocumentKind): DocumentRow | undefined {
    const row = this.#sql("SELECT version, at, document FROM documents WHERE device = ? AND kind = ?").get(device, kind) as
      { version: number; at: number; document: string } | undefined;
    return row === undefined
      ? undefined
      : { device, kind, version: row.version, atMs: row.at, document: JSON.parse(row.document) as JsonObject };
  }

  putDocument(row: DocumentRow): void {
    this.#sql(
      `INSERT INTO documents (device, kind, version, at, document)
        VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (device, kind) DO UPDATE
        SET version = excluded.version, at = excluded.at, document = excluded.document`,
    ).run(row.device, row.kind, row.version, row.atMs, JSON.stringify(row.document));
  }

  removeDocument(device: string, kind: DocumentKind): void {
    this.#sql("DELETE FROM documents WHERE device = ? AND kind = ?").run(device, kind);
  }

  command(device: string, id: string, attempt?: number): CommandRow | undefined {
    const sql =
      `SELECT row FROM commands WHERE device = ? AND id = ?
        AND attempt = coalesce(?, (SELECT max(attempt) FROM commands WHERE device = ? AND id = ?))`;
    return parsed<CommandRow>(
      this.#sql(sql)
        .pluck()
        .get(device, id, attempt ?? null, device, id),
    );
  }

  putCommand(row: CommandRow): void {
    this.#sql(
      `INSERT INTO commands (device, id, attempt, number, state, open, internal, row)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (device, id, attempt) DO UPDATE
        SET state = excluded.state, open = excluded.open, row = excluded.row`,
    ).run(
      row.device,
      row.id,
      row.attempt,
      row.number,
      row.state,
      isFinal(row.state) ? 0 : 1,
      row.internal ? 1 : 0,
      JSON.stringify(row),
    );
  }

  commands(query: CommandQuery): readonly CommandRow[] {
    const conditions = ["device = ?", "number < ?"];
    const values: (string | number)[] = [query.device, query.before ?? Number.MAX_SAFE_INTEGER];
    if (!query.internal) conditions.push("internal = 0");
    if (query.state === "open") conditions.push("open = 1");
    else if (query.state === "final") conditions.push("open = 0");
    else if (query.state !== undefined) {
      conditions.push("state = ?");
      values.push(query.state);
    }
    const sql = `SELECT row FROM commands WHERE ${conditions.join(" AND ")} ORDER BY number DESC LIMIT ?`;
    return (
      this.#sql(sql)
        .pluck()
        .all(...values, query.limit) as string[]
    ).map((text) => JSON.parse(text) as CommandRow);
  }

  openCommands(device?: string): readonly CommandRow[] {
    const sql = `SELECT row FROM commands WHERE open = 1${device === undefined ? "" : " AND device = ?"} ORDER BY device, number`;
    const rows = device === undefined ? this.#sql(sql).pluck().all() : this.#sql(sql).pluck().all(device);
    return (rows as string[]).map((text) => JSON.parse(text) as CommandRow);
  }

  position(device: string, log: string, stream: Stream): Position {
    return this.#records.position(device, log, stream);
  }

  putPosition(device: string, log: string, stream: Stream, position: Position, nowMs: number): void {
    this.#records.putPosition(device, log, stream, position, nowMs);
  }

  positions(device: string): readonly LogPositions[] {
    return this.#records.positions(device);
  }

  appendRecords(records: readonly NewRecord[], bodies?: readonly string[]): readonly RecordRow[] {
    return this.#records.append(records, bodies);
  }

  hasRecord(device: string, log: string, stream: Stream, seq: number): boolean {
    return this.#records.has(device, log, stream, seq);
  }

  records(query: RecordQuery): readonly RecordRow[] {
    return this.#records.query(query);
  }

  telemetry(device: string, fromMs: number, toMs: number, limit: number): readonly RecordRow[] {
    return this.#records.telemetry(device, fromMs, toMs, limit);
  }

  recordCount(device: string, stream: Stream): number {
    return this.#records.count(device, stream);
  }

  upload(id: string): UploadRow | undefined {
    return parsed<UploadRow>(this.#sql("SELECT row FROM uploads WHERE id = ?").pluck().get(id));
  }

  uploadByToken(token: string): UploadRow | undefined {
    return parsed<UploadRow>(this.#sql("SELECT row FROM uploads WHERE token = ?").pluck().get(token));
  }

  putUpload(row: UploadRow): void {
    this.#sql(
      `INSERT INTO uploads (id, token, device, created, purpose, state, internal, row)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE
        SET token = excluded.token, state = excluded.state, row = excluded.row`,
    ).run(row.id, row.token, row.device, row.createdMs, row.purpose, row.state, row.internal ? 1 : 0, JSON.stringify(row));
  }

  removeUpload(id: string): void {
    this.#sql("DELETE FROM uploads WHERE id = ?").run(id);
  }

  uploads(query: UploadQuery): readonly UploadRow[] {
    const conditions = ["1 = 1"];
    const values: string[] = [];
    if (!query.internal) conditions.push("internal = 0");
    for (const [column, value] of [
      ["device", query.device],
      ["purpose", query.purpose],
      ["state", query.state],
    ] as const) {
      if (value === undefined) continue;
      conditions.push(`${column} = ?`);
      values.push(value);
    }
    const sql = `SELECT row FROM uploads WHERE ${conditions.join(" AND ")} ORDER BY created DESC, id DESC LIMIT ?`;
    return (
      this.#sql(sql)
        .pluck()
        .all(...values, query.limit) as string[]
    ).map((text) => JSON.parse(text) as UploadRow);
  }

  prune(caps: RetentionCaps, budget: number): PruneReport {
    return this.transaction(() => {
      const report = pruneTables(this.#db, caps, budget);
      if (Object.keys(report).length > 0) this.#keepCursor();
      for (const [name, count] of Object.entries(report)) this.addToCounter(`pruned.${name}`, count);
      return report;
    });
  }

  counter(name: string): number {
    return (this.#sql("SELECT value FROM counters WHERE name = ?").pluck().get(name) as number | undefined) ?? 0;
  }

  counters(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.#sql("SELECT name, value FROM counters WHERE name <> 'cursor'").raw().all() as [string, number][],
    );
  }

  addToCounter(name: string, by: number): void {
    this.#sql(
      "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
    ).run(name, by);
  }

  close(): void {
    this.#db.close();
  }

  /** Keeps the highest cursor, so that it is never reused even after its row is removed. */
  #keepCursor(): void {
    this.#sql(
      `INSERT INTO counters (name, value) SELECT 'cursor', coalesce(max(cursor), 0)
        FROM records WHERE true
        ON CONFLICT (name) DO UPDATE
        SET value = max(value, excluded.value)`,
    ).run();
  }

  #prepareSchema(): void {
    const version = this.#db.pragma("user_version", { simple: true }) as number;
    if (version === SCHEMA_VERSION) return;
    const tables = this.#db.prepare("SELECT count(*) FROM sqlite_master").pluck().get() as number;
    if (version !== 0 || tables > 0) {
      this.#db.close();
      throw new StoreVersionError(`the store has schema version ${version}; this program writes version ${SCHEMA_VERSION}`);
    }
    this.#db.exec("BEGIN IMMEDIATE");
    this.#db.exec(SCHEMA);
    this.#db.pragma(`user_version = ${SCHEMA_VERSION}`);
    this.#db.exec("COMMIT");
  }

  #sql(text: string): Database.Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.#db.prepare(text)));
    return statement;
  }
}

function parsed<T>(text: unknown): T | undefined {
  return typeof text === "string" ? (JSON.parse(text) as T) : undefined;
}
