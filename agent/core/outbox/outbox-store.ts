import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { Issue, Result } from "../../../platform/ports/result.ts";
import type { Gap, Stream } from "../../protocol/records.ts";

/**
 * Where the outbox keeps its records. One writer, which waits for each call before the next one that
 * changes anything. Changes reach the disk in the order of the calls: after a power cut every change up to
 * some point is there and none behind it, and that point is not before the last change that was `synced`.
 *
 * Failures are values with these codes: `storage.full` (the cap or the disk), `storage.read-only`,
 * `storage.io`, `storage.corrupt`. A change that failed has left nothing behind.
 */
export interface OutboxStore {
  /** Applies a change as one. With `synced` it is on disk when this resolves. */
  commit(change: OutboxChange, synced: boolean): Promise<Result<void>>;
  /**
   * Rows of `stream` with numbers above `after` and up to `upTo`, rising, at most `rowsMax` of them; no more
   * once their bodies have `bytesMax` bytes. Always at least one when there is one.
   */
  read(stream: Stream, range: ReadRange): Promise<Result<StoredRows>>;
  /** Bytes this store uses on disk, and its limit. */
  usage(): StoreUsage;
  /** Writes pending changes and closes the files. No method may be called afterwards. */
  close(): Promise<void>;
}

export interface ReadRange {
  readonly after: number;
  readonly upTo: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** One change, applied whole or not at all. Parts are applied in the order they have here. */
export interface OutboxChange {
  /** Clock segments to add or to correct, by id. */
  readonly segments?: readonly ClockSegment[];
  /** Deletes every row up to and including these numbers. */
  readonly dropUpTo?: Partial<Readonly<Record<Stream, number>>>;
  /** Deletes single rows. */
  readonly dropOne?: readonly { readonly stream: Stream; readonly seq: number }[];
  /** Highest number acknowledged by the cloud; never decreases. */
  readonly stored?: Partial<Readonly<Record<Stream, number>>>;
  /** Losses not yet told, by (stream, reason, source). One with neither count nor carrier is forgotten. */
  readonly gaps?: readonly GapEntry[];
  /** Rows to add, with numbers rising per stream. */
  readonly add?: readonly NewRow[];
  /** A new identity of the log. */
  readonly log?: string;
}

export interface NewRow {
  readonly stream: Stream;
  readonly seq: number;
  readonly kind: string;
  readonly segment: number;
  /** Whole milliseconds. */
  readonly monoMs: number;
  /** The body as JSON text. */
  readonly body: string;
  /** Kept with the row and for a while after it (see `OutboxContents.keys`). */
  readonly dedupeKey?: string;
}

export interface StoredRow {
  readonly seq: number;
  readonly kind: string;
  readonly segment: number;
  readonly monoMs: number;
  readonly body: string;
  /** UTF-8 length of `body`. */
  readonly bytes: number;
}

export interface StoredRows {
  readonly rows: readonly StoredRow[];
  /** Numbers within the range read whose rows do not match their own checksum: damaged on the disk. */
  readonly damaged: readonly number[];
}

/**
 * A stretch of one boot in which wall time was the monotonic time plus `offsetMs`. Rows name their segment
 * instead of a wall time, so that correcting the clock of a whole boot is one small write.
 */
export interface ClockSegment {
  readonly id: number;
  readonly boot: string;
  readonly quality: ClockQuality;
  readonly offsetMs: number;
  /** Monotonic time at which it began: tells whether a later process of the same boot counts from the same zero. */
  readonly sinceMonoMs: number;
}

export type GapReason = Gap["reason"];

/** Losses of one kind that no gap record has reported yet. */
export interface GapEntry {
  readonly stream: Stream;
  readonly reason: GapReason;
  /** The rate-limited source for `rate`; otherwise empty. */
  readonly source: string;
  readonly from?: number;
  readonly to?: number;
  /** Number of losses not reported yet. */
  readonly count: number;
  /** Number of the gap record in stream `alarm` that told the losses before these and is not stored by the cloud yet. */
  readonly carrier?: number;
}

/** What a store holds when it is opened. */
export interface OutboxContents {
  /** Identity of the log; sequence numbers are unique within it. */
  readonly log: string;
  readonly streams: Readonly<Record<Stream, StreamContents>>;
  readonly segments: readonly ClockSegment[];
  readonly gaps: readonly GapEntry[];
  /** Recent dedupe keys and the numbers they got, oldest first. */
  readonly keys: readonly { readonly key: string; readonly seq: number }[];
}

export interface StreamContents {
  readonly stored: number;
  /** First number that is still here; `newest + 1` when none is. */
  readonly oldest: number;
  /** Highest number ever given, whether its row is still here or not. */
  readonly newest: number;
}

export interface StoreUsage {
  readonly bytes: number;
  readonly bytesMax: number;
}

/** What opening found out, to be told as alarms and gap records. */
export interface OutboxOpening {
  readonly store: OutboxStore;
  readonly contents: OutboxContents;
  /** Absent: on disk, as it should be. Present: records are kept in memory only, and why. */
  readonly degraded?: Issue;
  /** Damage found and what was done about it. */
  readonly losses: readonly StorageLoss[];
}

/** A file that could not be used as it was. */
export interface StorageLoss {
  /** File name, without its folder. */
  readonly file: string;
  /** `storage.corrupt` or `storage.foreign`, and in words what was wrong. */
  readonly why: Issue;
  /** Where it was moved, relative to the data folder; absent when it had to be deleted. */
  readonly quarantined?: string;
  readonly salvagedRows: number;
  /** False: the file did not tell how much was in it, so more may be lost than `gaps` says. */
  readonly extentKnown: boolean;
  /** What could not be read back, where numbers tell. Among `OutboxContents.gaps` already. */
  readonly gaps: readonly GapEntry[];
}

/** Opens the store, whatever state its files are in. Called again after a failure that a new opening may cure. */
export type OpenOutboxStore = () => Promise<OutboxOpening>;

/**
 * How many dedupe keys of rows that are gone a store keeps: more than a player host has under way without an answer
 * (564, see `player-host/host/page-desk.ts`), for all of that may come again after the agent was killed.
 */
export const RECENT_KEYS_MAX = 1_024;
