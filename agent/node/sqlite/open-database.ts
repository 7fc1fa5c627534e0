import { accessSync, closeSync, constants, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type Database from "better-sqlite3";
import type { Issue } from "../../../platform/ports/result.ts";
import { openSqlite } from "./sqlite-driver.ts";
import { SqliteFile, fileBytes } from "./sqlite-file.ts";
import { storageIssueOrThrow, type StorageIssue } from "./storage-issue.ts";

/** Identity and schema of a database. */
export interface DatabaseSchema {
  /** Stored in the file; a different value means that the file is not ours. */
  readonly applicationId: number;
  /** SQL from version n to n + 1, at index n. The file's `user_version` counts the applied ones. */
  readonly migrations: readonly string[];
}

export type DatabaseOpening =
  | { readonly kind: "open"; readonly file: SqliteFile }
  /** The file cannot be trusted and should be moved aside. `storage.corrupt`, or `storage.foreign` for a file that is not ours. */
  | { readonly kind: "damaged"; readonly why: Issue }
  /** The file may be fine, but the disk does not let us use it. */
  | { readonly kind: "unusable"; readonly why: StorageIssue };

/**
 * Page size. Every durable record costs one page in the WAL, so small pages mean little flash wear per record; larger
 * bodies use overflow pages at little cost. See docs/decisions, "outbox on disk".
 */
export const PAGE_BYTES = 1024;
/** Files up to this size are checked completely at every start: one or two seconds at most on a slow card. */
const CHECK_WHOLE_BYTES_MAX = 16 * 1024 * 1024;
/** Limit on SQLite's page cache; slightly more than one group of records. */
const CACHE_KIB = 768;

/**
 * Opens or creates a database, checks it and migrates its schema. Damage is a result, never a throw.
 *
 * A file over 16 MiB is not read completely: its schema and structure pages are checked as they are used, its rows have
 * their own checksums, and damage found later is handled in the same way.
 */
export function openDatabase(path: string, schema: DatabaseSchema): DatabaseOpening {
  const odd = oddityOf(path);
  if (odd !== undefined) return { kind: "damaged", why: { code: "storage.corrupt", message: odd } };
  let database: Database.Database | undefined;
  try {
    // SQLite would create a world-readable file; the WAL gets the database's mode.
    closeSync(openSync(path, "a", 0o600));
    database = openSqlite(path, { timeout: 2_000 });
    configure(database);
    const wrong = migrate(database, schema) ?? check(database, path);
    if (wrong === undefined) return { kind: "open", file: new SqliteFile(database, path) };
    closeQuietly(database);
    return { kind: "damaged", why: wrong };
  } catch (thrown) {
    const why = storageIssueOrThrow(thrown);
    if (database !== undefined) closeQuietly(database);
    if (why.code === "storage.corrupt") return { kind: "damaged", why };
    return { kind: "unusable", why: why.code === "storage.io" && !isWritable(dirname(path)) ? { ...why, code: "storage.read-only" } : why };
  }
}

function configure(database: Database.Database): void {
  // Keeps the WAL index in memory: no third file, and no second process by accident.
  database.pragma("locking_mode = EXCLUSIVE");
  database.pragma(`page_size = ${PAGE_BYTES}`);
  database.pragma("auto_vacuum = INCREMENTAL");
  database.pragma("journal_mode = WAL");
  // `SqliteFile.sync` does what FULL would do, without blocking the event loop.
  database.pragma("synchronous = NORMAL");
  // The committing code decides when to checkpoint, because the cap depends on it.
  database.pragma("wal_autocheckpoint = 0");
  database.pragma(`cache_size = -${CACHE_KIB}`);
  // A spilled transaction writes pages to the WAL more than once, which would break its length limit.
  database.pragma("cache_spill = OFF");
  database.pragma("mmap_size = 0");
  database.pragma("temp_store = MEMORY");
  database.pragma("foreign_keys = OFF");
  database.pragma("trusted_schema = OFF");
  database.pragma("cell_size_check = ON");
}

function migrate(database: Database.Database, schema: DatabaseSchema): Issue | undefined {
  const version = database.pragma("user_version", { simple: true }) as number;
  const applicationId = database.pragma("application_id", { simple: true }) as number;
  const isNew = version === 0 && applicationId === 0 && database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() === 0;
  const known = schema.migrations.length;
  const pageBytes = database.pragma("page_size", { simple: true }) as number;
  if (!isNew && applicationId !== schema.applicationId) return foreign("the file is a database, but not one of ours");
  if (version > known) return foreign(`the file has schema version ${version}; this agent knows ${known}`);
  if (!isNew && pageBytes !== PAGE_BYTES) return foreign(`the file has pages of ${pageBytes} bytes`);
  if (version === known) return undefined;
  database.transaction(() => {
    for (const sql of schema.migrations.slice(version)) database.exec(sql);
    database.pragma(`application_id = ${schema.applicationId}`);
    database.pragma(`user_version = ${known}`);
  })();
  return undefined;
}

function foreign(message: string): Issue {
  return { code: "storage.foreign", message };
}

function check(database: Database.Database, path: string): Issue | undefined {
  if (fileBytes(path) > CHECK_WHOLE_BYTES_MAX) return undefined;
  const found = database.pragma("quick_check(1)", { simple: true }) as string;
  return found === "ok" ? undefined : { code: "storage.corrupt", message: found.replaceAll("\n", " ").slice(0, 300) };
}

/** Detects what SQLite would silently treat as an empty database or could not open at all. */
function oddityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  const walBytes = fileBytes(`${path}-wal`);
  if (found !== undefined && !found.isFile()) return "it is not a regular file";
  for (const part of ["-wal", "-shm", "-journal"]) {
    if (statSync(`${path}${part}`, { throwIfNoEntry: false })?.isFile() === false) return `its ${part.slice(1)} is not a regular file`;
  }
  // SQLite deletes the WAL of an empty database and everything in it.
  if ((found === undefined || found.size === 0) && walBytes > 0) return "the database is empty or missing beside its write-ahead log";
  return undefined;
}

/** SQLite reports an unwritable disk as an I/O error; the folder's permissions tell which it is. */
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch (thrown) {
    return storageIssueOrThrow(thrown).code !== "storage.read-only";
  }
}

function closeQuietly(database: Database.Database): void {
  try {
    database.close();
  } catch (thrown) {
    // Closing includes a checkpoint, which may fail on the same disk or file. The handle is closed anyway.
    storageIssueOrThrow(thrown);
  }
}
