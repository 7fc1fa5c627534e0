import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { Stream } from "../../protocol/records.ts";

export interface StreamRange {
  /** Highest sequence number acknowledged by the cloud. */
  readonly stored: number;
  /** Lowest and highest number still in the outbox; `oldest` > `newest` when it is empty. */
  readonly oldest: number;
  readonly newest: number;
}

/** Records of one stream and one boot, ready for one `records` frame. */
export interface Batch {
  readonly stream: Stream;
  readonly boot: string;
  readonly clock: ClockQuality;
  readonly first: number;
  readonly last: number;
  /**
   * The records as JSON text, already joined: `[{"seq":…},…]`. The drain inserts it into the frame unchanged;
   * parsing and serialising it again would be most of the cost of a drain.
   */
  readonly recordsJson: string;
  readonly count: number;
  /** UTF-8 length of `recordsJson`. */
  readonly bytes: number;
}

/** The part of the outbox the link needs to drain it. */
export interface Backlog {
  /** Identity of the outbox file; a new file has a new one. */
  readonly log: string;
  ranges(): Readonly<Record<Stream, StreamRange>>;
  /**
   * The next records of `stream` after number `after`, within the limits (but at least one if there is one).
   * Deterministic: the same range is always cut the same way. `undefined` when there are none.
   */
  read(stream: Stream, after: number, limits: { readonly recordsMax: number; readonly bytesMax: number }): Promise<Batch | undefined>;
  /**
   * The cloud acknowledged everything up to these numbers: the records are deleted. A number lower than before is ignored and
   * counted. A number above all that were handed out means, `atWelcome`, that this file lost its end, so it continues as a new
   * log; later in a session such a number is ignored and counted.
   */
  stored(upTo: Partial<Readonly<Record<Stream, number>>>, atWelcome?: boolean): Promise<void>;
  /** The cloud will never accept this record: it is dropped, counted and reported by a gap record. */
  rejected(stream: Stream, seq: number, code: string, message: string): Promise<void>;
  /**
   * Moves the record, on disk, to a new number at the end of its stream, so that the records behind it can be sent and
   * acknowledged without it. The old number is never reused. `undefined` when the record is gone, or the write failed and it
   * stays where it is.
   */
  defer(stream: Stream, seq: number): Promise<number | undefined>;
  /** Calls back when a stream has new records. Returns a function that unsubscribes. */
  onAppended(listener: (stream: Stream) => void): () => void;
}
