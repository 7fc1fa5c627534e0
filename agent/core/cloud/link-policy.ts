import { HANDSHAKE_TIMEOUT_MS, PING_INTERVAL_MS, READ_DEADLINE_PINGS } from "../../protocol/limits.ts";
import { DEFAULT_PING_POLICY, type PingPolicy } from "./ping-learning.ts";
import type { RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";

/** All tunable numbers of the link. Times in milliseconds of the monotonic clock. */
export interface LinkPolicy {
  /** An attempt that has no open connection after this long is given up. */
  readonly connectTimeoutMs: number;
  /** The challenge must come this long after opening, and the welcome this long after the challenge. */
  readonly handshakeTimeoutMs: number;
  /** Until the welcome names another; shorter where quiet sessions die, see ping-learning.ts. */
  readonly pingIntervalMs: number;
  readonly pingLearning: PingPolicy;
  /** No frame for this many ping intervals: the link is dead, however open the socket looks. */
  readonly readDeadlinePings: number;
  /** A ping unanswered for this many intervals, although other frames come: the other side does not read. */
  readonly unansweredPings: number;
  /** Only a session that lasted this long makes the schedules of its endpoint begin anew. */
  readonly stableAfterMs: number;
  /** After a failure of the network or of a server that says nothing. */
  readonly failure: RetryPolicy;
  /** After a server that understood and said no: slower, because asking again changes nothing. */
  readonly refusal: RetryPolicy;
  /** Between an attempt at one endpoint and the next at another. */
  readonly failover: RetryPolicy;
  /** Longest `retryAfterMs` that is obeyed: one wrong number from a cloud must not strand a device. */
  readonly retryAfterMaxMs: number;
  /** So many times in a row, with no stable session between, `retryAfterMs` is waited even where the own schedule says longer. */
  readonly retryAfterShorterMax: number;
  /** Random time added to a `retryAfterMs`, as a part of it, and at most this much. */
  readonly retryAfterJitterRatio: number;
  readonly retryAfterJitterMaxMs: number;
  /** How long a session at another than the preferred endpoint lasts before the preferred one is tried again. */
  readonly preferredReturn: RetryPolicy;
  /** Whether plain addresses of other machines may be followed; see `plainIssue`. */
  readonly plainAllowed: boolean;
  /** `goaway` may name an endpoint this many times in a row with no stable session between. */
  readonly redirectsMax: number;
}

export const DEFAULT_LINK_POLICY: LinkPolicy = {
  connectTimeoutMs: 20_000,
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  pingIntervalMs: PING_INTERVAL_MS,
  pingLearning: DEFAULT_PING_POLICY,
  readDeadlinePings: READ_DEADLINE_PINGS,
  unansweredPings: 2 * READ_DEADLINE_PINGS,
  stableAfterMs: 60_000,
  failure: { firstMs: 5_000, factor: 2, capMs: 300_000, floorMs: 1_000 },
  refusal: { firstMs: 60_000, factor: 2, capMs: 3_600_000, floorMs: 30_000 },
  failover: { firstMs: 5_000, factor: 1, capMs: 5_000, floorMs: 1_000 },
  retryAfterMaxMs: 3_600_000,
  retryAfterShorterMax: 10,
  retryAfterJitterRatio: 0.25,
  retryAfterJitterMaxMs: 60_000,
  preferredReturn: { firstMs: 3_600_000, factor: 2, capMs: 43_200_000, floorMs: 1_200_000 },
  plainAllowed: false,
  redirectsMax: 3,
};
