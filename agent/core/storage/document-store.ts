import type { JsonObject } from "../../../platform/runtime/json.ts";

/**
 * Small documents that must survive power cuts: the desired document, the owner, the session epoch,
 * restart budgets. One JSON object per key, at most 256 KiB. Not for queues.
 *
 * A write is on disk (fsynced) when its promise resolves; it rejects with `StorageError` when the disk
 * refused, and the old value stays. All keys of one `put` change together or not at all.
 */
export interface DocumentStore {
  /** The value, or `undefined` when it was never written or was lost to damage (see `losses`). */
  get(key: string): Promise<JsonObject | undefined>;
  put(values: Readonly<Record<string, JsonObject | null>>): Promise<void>;
}

/** The disk refused. `code` is `storage.full`, `storage.read-only`, `storage.io` or `storage.corrupt`. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: "storage.full" | "storage.read-only" | "storage.io" | "storage.corrupt";
  constructor(code: StorageError["code"], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
