import { STREAMS, type Stream } from "../../protocol/records.ts";
import type { Rate } from "../../../platform/runtime/token-bucket.ts";

/** Times and sizes of the outbox. Bytes are bytes of bodies. */
export interface OutboxLimits {
  /** Longest a record of `event` or `metric` waits for its write; with the write itself it is on disk within a second. */
  readonly flushDelayMs: number;
  /** What the cloud stored is let go on disk within this time, together with whatever else is written. */
  readonly ackDelayMs: number;
  /** As many acknowledged records are let go at once. */
  readonly ackRecordsMax: number;
  /** Losses are added up this long before the first gap record about them. */
  readonly gapDelayMs: number;
  /** Records and bytes that wait in memory; more are refused with `outbox.full`. */
  readonly pendingRecordsMax: number;
  readonly pendingBytesMax: number;
  /** Records and bytes of one commit. */
  readonly groupRecordsMax: number;
  readonly groupBytesMax: number;
  /** What is given up at once when room is needed. */
  readonly evictBytes: number;
  /** How long a source may go on at which rate. */
  readonly rateOf: (source: string) => Rate;
  /** Between two tries to get from memory back to the disk. */
  readonly recoverEveryMs: number;
}

/**
 * The agent's own parts are trusted not to flood, within reason; a page and the lines of a GPIO header are not.
 * A page that reports one play a second and a few events stays far below.
 */
function defaultRate(source: string): Rate {
  if (source === "agent") return { burst: 2_000, perSecond: 200 };
  if (source === "page") return { burst: 200, perSecond: 20 };
  return { burst: 200, perSecond: 50 };
}

export const OUTBOX_LIMITS: OutboxLimits = {
  flushDelayMs: 800,
  ackDelayMs: 2_000,
  ackRecordsMax: 500,
  gapDelayMs: 1_000,
  pendingRecordsMax: 4_096,
  pendingBytesMax: 2 * 1024 * 1024,
  groupRecordsMax: 1_024,
  groupBytesMax: 256 * 1024,
  evictBytes: 64 * 1024,
  rateOf: defaultRate,
  recoverEveryMs: 60_000,
};

/** In which order streams are given up: the last of `STREAMS` first. */
export const EVICTION_ORDER: readonly Stream[] = [...STREAMS].reverse();

/**
 * Streams a record of `stream` may push out, first the one to go first. It never pushes out a class worth
 * more than its own: a metric does not cost a proof of play.
 */
export function evictableFor(stream: Stream): readonly Stream[] {
  return EVICTION_ORDER.slice(0, EVICTION_ORDER.indexOf(stream) + 1);
}
