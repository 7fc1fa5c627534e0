import type { Issue, Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/**
 * Small documents that must survive power cuts: the desired document, the owner, the session epoch,
 * restart budgets. One JSON object per key, at most 256 KiB. Not for queues.
 *
 * A write is on disk (fsynced) when its promise resolves; it rejects with `StorageError` when the disk
 * refused, and the old value stays. All keys of one `put` change together or not at all.
 */
export interface DocumentStore {
  /**
   * The value, or `undefined` when it was never written. A value that is damaged or cannot be read is a failure with one of
   * `StorageError`'s codes, never a rejection: whoever reads has to say how it goes on without it.
   */
  get(key: string): Promise<Result<JsonObject | undefined>>;
  put(values: Readonly<Record<string, JsonObject | null>>): Promise<void>;
}

/** A store's disk: it refused, holds damage, or (`storage.unavailable`) cannot be used by this program at all. */
export type StorageCode = "storage.full" | "storage.read-only" | "storage.io" | "storage.corrupt" | "storage.unavailable";

export interface StorageIssue extends Issue {
  readonly code: StorageCode;
}

/** The disk refused. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageCode;
  constructor(code: StorageCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
