import type { Result } from "../../../platform/ports/result.ts";
import { utf8Length } from "../../../platform/runtime/encoding.ts";
import type { StorageIssue } from "../storage/document-store.ts";
import type { CommandKey, JournalEntry } from "./journal-entry.ts";

/** Limits beyond which done entries (see `isDone`) are pruned. Each applies by itself. */
export interface RetentionLimits {
  /** Entries finished before this are pruned; milliseconds since the epoch, by the wall clock. */
  readonly finishedBeforeWallMs: number;
  /** Most entries in all; the oldest are pruned first. */
  readonly entriesMax: number;
  /** Most bytes of entries in all (see `entryBytes`); the oldest are pruned first. */
  readonly bytesMax: number;
}

/**
 * Durable store of commands and their outcomes. A write that succeeded is on disk (fsynced).
 *
 * A storage error is returned as a failure with a `StorageCode`, never as a rejection; nothing has changed then. Every
 * caller decides what that means for its command.
 */
export interface JournalStore {
  get(id: string, attempt: number): Promise<Result<JournalEntry | undefined, StorageIssue>>;
  /** Inserts or replaces the entry of this key. Replacing keeps its place in the order of arrival. */
  put(entry: JournalEntry): Promise<Result<void, StorageIssue>>;
  /** Key of the stored command whose `number` or `cancelNumber` this is; the earliest to arrive when there are several. */
  numberHolder(owner: string, number: number): Promise<Result<CommandKey | undefined, StorageIssue>>;
  /** Highest pruned number of this owner; 0 for none. An unknown command with a number at or below it must not run. */
  floor(owner: string): Promise<Result<number, StorageIssue>>;
  /** Entries that are not done (see `isDone`), in order of arrival. */
  unfinished(): Promise<Result<readonly JournalEntry[], StorageIssue>>;
  /** The newest entries, newest first. */
  recent(countMax: number): Promise<Result<readonly JournalEntry[], StorageIssue>>;
  /** Deletes done entries beyond the limits and raises the floors, in one transaction. Returns the number of deleted entries. */
  prune(limits: RetentionLimits): Promise<Result<number, StorageIssue>>;
}

/** Bytes an entry counts for `RetentionLimits.bytesMax`: those of its JSON text in UTF-8. */
export function entryBytes(entry: JournalEntry): number {
  return utf8Length(JSON.stringify(entry));
}
