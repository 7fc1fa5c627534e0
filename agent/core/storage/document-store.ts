import type { Issue, Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/**
 * Small documents that must survive power cuts: the desired document, the owner, the session epoch,
 * restart budgets. One JSON object per key, at most 256 KiB. Not for queues.
 *
 * Disk errors and lost data are returned as failures with a `StorageCode`, never as rejections: every caller must decide
 * how to continue without the document.
 */
export interface DocumentStore {
  /** The value, or `undefined` when it was never written. Fails when the value is damaged or cannot be read. */
  get(key: string): Promise<Result<JsonObject | undefined, StorageIssue>>;
  /**
   * Writes or, with `null`, deletes. On disk (fsynced) when it succeeds; all keys change together or, when it fails, none.
   * Rejects with a RangeError for a document that is too large, which is a bug of the caller.
   */
  put(values: Readonly<Record<string, JsonObject | null>>): Promise<Result<void, StorageIssue>>;
}

/** Disk failures. `storage.corrupt`: the data is damaged; `storage.unavailable`: this program cannot use the store at all. */
export type StorageCode = "storage.full" | "storage.read-only" | "storage.io" | "storage.corrupt" | "storage.unavailable";

export interface StorageIssue extends Issue {
  readonly code: StorageCode;
}

export function storageFailure(code: StorageCode, message: string): { readonly ok: false; readonly error: StorageIssue } {
  return { ok: false, error: { code, message } };
}
