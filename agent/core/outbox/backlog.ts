import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { Stream } from "../../protocol/records.ts";

export interface StreamRange {
  /** Highest sequence number acknowledged by the cloud. */
  readonly stored: number;
  /** First and last number still here; `oldest` > `newest` when nothing waits. */
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
   * The records as JSON text, already joined: `[{"seq":…},…]`. The drain puts it into the frame
   * as it is; parsing and writing it again would be most of the cost of a drain.
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
   * The next records of `stream` after number `after`, within the limits (at least one record when any
   * is there). Deterministic: the same range is cut the same way again. `undefined` when nothing waits.
   */
  read(stream: Stream, after: number, limits: { readonly recordsMax: number; readonly bytesMax: number }): Promise<Batch | undefined>;
  /**
   * The cloud stored everything up to these numbers: the records are deleted. A number lower than before is ignored and counted.
   * A number above all that were handed out means, `atWelcome`, that this file lost its end, and it continues as another log;
   * later in a session it is ignored and counted.
   */
  stored(upTo: Partial<Readonly<Record<Stream, number>>>, atWelcome?: boolean): Promise<void>;
  /** The cloud will never take this one: dropped, counted, named by a gap record. */
  rejected(stream: Stream, seq: number, code: string, message: string): Promise<void>;
  /**
   * Gives the record a new number at the end of its stream, on disk, so that what is behind it can be sent and stored without
   * it. The old number is never used again. `undefined`: it is not here any more, or the disk refused and it stays where it is.
   */
  defer(stream: Stream, seq: number): Promise<number | undefined>;
  /** Calls back when a stream has new records. Returns a function that unsubscribes. */
  onAppended(listener: (stream: Stream) => void): () => void;
}
