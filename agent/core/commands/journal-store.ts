import type { Result } from "../../../platform/ports/result.ts";
import type { StorageIssue } from "../storage/document-store.ts";
import type { CommandKey, JournalEntry } from "./journal-entry.ts";

/** What may be forgotten of the finished and handed-over commands; whichever limit is met first. */
export interface RetentionLimits {
  /** Finished before this, by the wall clock. */
  readonly finishedBeforeWallMs: number;
  /** At most this many entries are kept in all; the oldest go first. */
  readonly entriesMax: number;
  /** At most this many bytes of entries are kept in all; the oldest go first. */
  readonly bytesMax: number;
}

/**
 * Where commands and their outcomes survive power cuts. A write is on disk (fsynced) when it succeeds.
 *
 * A disk that refuses is returned as a failure with a `StorageCode`, never as a rejection; then nothing was changed. Every
 * caller must decide what that means for its command.
 */
export interface JournalStore {
  get(id: string, attempt: number): Promise<Result<JournalEntry | undefined, StorageIssue>>;
  /** Inserts or replaces the entry of this key. Its place in the order of arrival stays that of the first put. */
  put(entry: JournalEntry): Promise<Result<void, StorageIssue>>;
  /** Which command has this number, or the newest cancel that came for it, among what is kept; the first to arrive when several have it. */
  numberHolder(owner: string, number: number): Promise<Result<CommandKey | undefined, StorageIssue>>;
  /** The highest number that was forgotten for this owner; 0: none. Nothing unknown at or below it may run. */
  floor(owner: string): Promise<Result<number, StorageIssue>>;
  /** Entries that are not done (see `isDone`), in order of arrival. */
  unfinished(): Promise<Result<readonly JournalEntry[], StorageIssue>>;
  /** The newest entries, newest first, for people. */
  recent(countMax: number): Promise<Result<readonly JournalEntry[], StorageIssue>>;
  /** Forgets done entries beyond the limits and raises the floors with them, together or not at all. Returns how many went. */
  prune(limits: RetentionLimits): Promise<Result<number, StorageIssue>>;
}

/** Bytes an entry counts for `RetentionLimits.bytesMax`: the UTF-16 length of its JSON text. */
export function entryBytes(entry: JournalEntry): number {
  return JSON.stringify(entry).length;
}
