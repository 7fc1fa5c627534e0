import { STREAMS, type Stream } from "../../protocol/records.ts";
import type { Rate } from "../../../platform/runtime/token-bucket.ts";

/** Times and sizes of the outbox. Bytes are bytes of bodies. */
export interface OutboxLimits {
  /** Longest wait of an `event` or `metric` record for its write; including the write it is on disk within a second. */
  readonly flushDelayMs: number;
  /** Acknowledged records are deleted from disk within this time, together with other writes. */
  readonly ackDelayMs: number;
  /** This many acknowledged records are deleted at once, without waiting. */
  readonly ackRecordsMax: number;
  /** Losses are added up for this long before their first gap record. */
  readonly gapDelayMs: number;
  /** Most records and bytes waiting in memory; more are refused with `outbox.full`. */
  readonly pendingRecordsMax: number;
  readonly pendingBytesMax: number;
  /** Most records and bytes in one commit. */
  readonly groupRecordsMax: number;
  readonly groupBytesMax: number;
  /** Bytes evicted at once when room is needed. */
  readonly evictBytes: number;
  /** Rate limit of a source. */
  readonly rateOf: (source: string) => Rate;
  /** Time between two attempts to return from memory to the disk. */
  readonly recoverEveryMs: number;
}

/**
 * The agent's own parts are trusted not to flood; pages, GPIO lines and TVs are not. A page that reports one play
 * a second and a few events stays far below its limit.
 */
function defaultRate(source: string): Rate {
  if (source === "agent") return { burst: 2_000, perSecond: 200 };
  // People press keys; a TV that talks more than that is out of order.
  if (source === "cec") return { burst: 60, perSecond: 0.5 };
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

/** The order in which streams are evicted: the last of `STREAMS` first. */
export const EVICTION_ORDER: readonly Stream[] = [...STREAMS].reverse();

/**
 * Streams that may be evicted for a record of `stream`, in eviction order. A record never evicts a stream worth
 * more than its own: a metric never costs a proof of play.
 */
export function evictableFor(stream: Stream): readonly Stream[] {
  return EVICTION_ORDER.slice(0, EVICTION_ORDER.indexOf(stream) + 1);
}
