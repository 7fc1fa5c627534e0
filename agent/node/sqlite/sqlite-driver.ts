import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type Database from "better-sqlite3";
import { messageOf } from "../../../platform/ports/result.ts";

/** Node-API version of the driver's native part. An older Node would load it and crash. */
const NODE_API_MIN = 10;

/** SQLite cannot be used in this process: its native part is missing, damaged, or built for another machine or Node. */
export class SqliteUnavailableError extends Error {
  override readonly name = "SqliteUnavailableError";
}

let loaded: typeof Database | undefined;

/**
 * Opens a database. The driver is loaded on first use and never imported, so that a package without its native file does
 * not stop the agent. Throws `SqliteError`, or `SqliteUnavailableError`; the next call tries to load it again.
 */
export function openSqlite(path: string, options: Database.Options): Database.Database {
  loaded ??= load();
  return new loaded(path, options);
}

/** Whether SQLite itself threw this. */
export function isSqliteError(thrown: unknown): thrown is InstanceType<typeof Database.SqliteError> {
  return loaded !== undefined && thrown instanceof loaded.SqliteError;
}

function load(): typeof Database {
  try {
    if (Number(process.versions["napi"]) < NODE_API_MIN) throw new Error(`Node ${process.versions.node} is too old for it`);
    const require = createRequire(import.meta.url);
    refuseCutFile(nativeFileOf(dirname(require.resolve("better-sqlite3/package.json"))));
    const found = require("better-sqlite3") as typeof Database;
    // The native part is loaded with the first database, so open one to test it.
    new found(":memory:").close();
    return found;
  } catch (thrown) {
    const [firstLine = ""] = messageOf(thrown).split("\n");
    throw new SqliteUnavailableError(`SQLite cannot be loaded: ${firstLine}`, { cause: thrown });
  }
}

/** The native file that the package will load: compiled on this machine, or shipped. `undefined`: it looks elsewhere. */
function nativeFileOf(root: string): string | undefined {
  const built = join(root, "build/Release/better_sqlite3.node");
  const shipped = join(root, "prebuilds", `${process.platform}-${process.arch}.node`);
  return [built, shipped].find((path) => existsSync(path));
}

const ELF_HEADER_BYTES = 64;
const ELF_MAGIC = 0x7f454c46;

/**
 * Refuses a truncated shared object (a power cut during an update): loading it would kill the process with SIGBUS, whereas
 * other damage is an error. The section header table comes last in such a file; its offset is in the header (elf(5), 64
 * bit).
 */
function refuseCutFile(path: string | undefined): void {
  if (path === undefined) return;
  const fd = openSync(path, "r");
  try {
    const header = Buffer.alloc(ELF_HEADER_BYTES);
    const bytes = readSync(fd, header);
    if (bytes < ELF_HEADER_BYTES || header.readUInt32BE(0) !== ELF_MAGIC) return;
    const wholeBytes = Number(header.readBigUInt64LE(0x28)) + header.readUInt16LE(0x3a) * header.readUInt16LE(0x3c);
    const { size } = fstatSync(fd);
    if (size < wholeBytes) throw new Error(`${path} is truncated: it has ${size} of ${wholeBytes} bytes`);
  } finally {
    closeSync(fd);
  }
}
