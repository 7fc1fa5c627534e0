import type { StorageCode, StorageIssue } from "../../core/storage/document-store.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { isSqliteError, SqliteUnavailableError } from "./sqlite-driver.ts";

export type { StorageIssue };

/** System call errors that mean the disk has no room, or takes no writes at all. */
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const READ_ONLY = new Set(["EROFS", "EACCES", "EPERM"]);

/**
 * What the disk did, from what SQLite or the file system threw; `undefined` for anything else, which is a bug
 * and is rethrown by the caller.
 */
export function storageIssueOf(thrown: unknown): StorageIssue | undefined {
  const code = codeOf(thrown);
  return code === undefined ? undefined : { code, message: messageOf(thrown) };
}

/** Like `storageIssueOf`, and rethrows bugs. */
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
  // A column or a table that is not there: the schema is not the one this code made.
  if (code === "SQLITE_ERROR" || code.startsWith("SQLITE_SCHEMA") || code.startsWith("SQLITE_MISMATCH")) return "storage.corrupt";
  return IO_CODES.some((io) => code.startsWith(io)) ? "storage.io" : undefined;
}
