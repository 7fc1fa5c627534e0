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
 * Where commands and their outcomes survive power cuts. A write is on disk (fsynced) when its promise
 * resolves. Every method rejects with `StorageError` when the disk refuses; then nothing was changed.
 */
export interface JournalStore {
  get(id: string, attempt: number): Promise<JournalEntry | undefined>;
  /** Inserts or replaces the entry of this key. Its place in the order of arrival stays that of the first put. */
  put(entry: JournalEntry): Promise<void>;
  /** Which command has this number, or the newest cancel that came for it, among what is kept; the first to arrive when several have it. */
  numberHolder(owner: string, number: number): Promise<CommandKey | undefined>;
  /** The highest number that was forgotten for this owner; 0: none. Nothing unknown at or below it may run. */
  floor(owner: string): Promise<number>;
  /** Entries that are not done (see `isDone`), in order of arrival. */
  unfinished(): Promise<readonly JournalEntry[]>;
  /** The newest entries, newest first, for people. */
  recent(countMax: number): Promise<readonly JournalEntry[]>;
  /** Forgets done entries beyond the limits and raises the floors with them, together or not at all. Returns how many went. */
  prune(limits: RetentionLimits): Promise<number>;
}

/** Bytes an entry counts for `RetentionLimits.bytesMax`: the UTF-16 length of its JSON text. */
export function entryBytes(entry: JournalEntry): number {
  return JSON.stringify(entry).length;
}
