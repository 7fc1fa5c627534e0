import type { StorageCode, StorageIssue } from "../../core/storage/document-store.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { isSqliteError, SqliteUnavailableError } from "./sqlite-driver.ts";

export type { StorageIssue };

/** System call errors that mean a full or unwritable disk. */
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const READ_ONLY = new Set(["EROFS", "EACCES", "EPERM"]);

/**
 * The disk error behind an exception from SQLite or the file system; `undefined` for anything else, which is a bug that
 * the caller rethrows.
 */
export function storageIssueOf(thrown: unknown): StorageIssue | undefined {
  const code = codeOf(thrown);
  return code === undefined ? undefined : { code, message: messageOf(thrown) };
}

/** Like `storageIssueOf`, but rethrows bugs. */
export function storageIssueOrThrow(thrown: unknown): StorageIssue {
  const issue = storageIssueOf(thrown);
  if (issue === undefined) throw thrown;
  return issue;
}

function codeOf(thrown: unknown): StorageCode | undefined {
  if (isSqliteError(thrown)) return sqliteCode(thrown.code);
  if (thrown instanceof SqliteUnavailableError) return "storage.unavailable";
  const errno = (thrown as NodeJS.ErrnoException | null)?.code;
  if (!(thrown instanceof Error) || typeof errno !== "string" || (thrown as NodeJS.ErrnoException).syscall === undefined) return undefined;
  if (FULL.has(errno)) return "storage.full";
  return READ_ONLY.has(errno) ? "storage.read-only" : "storage.io";
}

const IO_CODES = ["SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL", "SQLITE_NOMEM", "SQLITE_INTERRUPT"];

function sqliteCode(code: string): StorageCode | undefined {
  if (code.startsWith("SQLITE_FULL")) return "storage.full";
  if (code.startsWith("SQLITE_READONLY") || code.startsWith("SQLITE_PERM")) return "storage.read-only";
  if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB") || code.startsWith("SQLITE_FORMAT")) return "storage.corrupt";
  // A missing column or table: the schema is not ours.
  if (code === "SQLITE_ERROR" || code.startsWith("SQLITE_SCHEMA") || code.startsWith("SQLITE_MISMATCH")) return "storage.corrupt";
  return IO_CODES.some((io) => code.startsWith(io)) ? "storage.io" : undefined;
}
