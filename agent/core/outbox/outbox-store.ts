import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { Issue, Result } from "../../../platform/ports/result.ts";
import type { Gap, Stream } from "../../protocol/records.ts";

/**
 * Storage of the outbox's records, with one writer, which waits for each change before the next. Changes reach
 * the disk in call order: after a power cut every change up to some point is there and none after it, and that
 * point is not before the last `synced` change.
 *
 * Failures are values with these codes: `storage.full` (the cap or the disk), `storage.read-only`,
 * `storage.io`, `storage.corrupt`. A failed change has no effect.
 */
export interface OutboxStore {
  /** Applies a change atomically. With `synced` it is on disk when this resolves. */
  commit(change: OutboxChange, synced: boolean): Promise<Result<void>>;
  /**
   * Rows of `stream` with numbers above `after` and up to `upTo`, ascending: at most `rowsMax`, and none after
   * their bodies reach `bytesMax` bytes. At least one if there is one.
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
  /** Losses not yet reported, by (stream, reason, source). An entry with neither count nor carrier is deleted. */
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
  /** Number of the gap record in stream `alarm` that reported the previous losses and is not acknowledged yet. */
  readonly carrier?: number;
}

/** Contents of a store when it is opened. */
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
  /** Lowest number still in the store; `newest + 1` when there is none. */
  readonly oldest: number;
  /** Highest number ever assigned, whether or not its row is still in the store. */
  readonly newest: number;
}

export interface StoreUsage {
  readonly bytes: number;
  readonly bytesMax: number;
}

/** Result of opening, to be reported in alarms and gap records. */
export interface OutboxOpening {
  readonly store: OutboxStore;
  readonly contents: OutboxContents;
  /** Why records are kept in memory only; absent when they are on disk. */
  readonly degraded?: Issue;
  /** Damage found and what was done about it. */
  readonly losses: readonly StorageLoss[];
}

/** A file that could not be used as it was. */
export interface StorageLoss {
  /** File name, without its folder. */
  readonly file: string;
  /** `storage.corrupt` or `storage.foreign`, with a description. */
  readonly why: Issue;
  /** Where it was moved, relative to the data folder; absent when it had to be deleted. */
  readonly quarantined?: string;
  readonly salvagedRows: number;
  /** False when the file did not show how much it held, so that more may be lost than `gaps` says. */
  readonly extentKnown: boolean;
  /** Records that could not be read back, as far as numbers show. Already included in `OutboxContents.gaps`. */
  readonly gaps: readonly GapEntry[];
}

/** Opens the store, whatever state its files are in. Called again after a failure that reopening may cure. */
export type OpenOutboxStore = () => Promise<OutboxOpening>;

/**
 * How many dedupe keys of deleted rows a store keeps: more than the messages that a player host may send twice (`TWICE_MAX` in
 * `player-host/host/page-desk.ts`), because the agent or the host was killed before both knew that they are stored.
 */
export const RECENT_KEYS_MAX = 1_024;
