import { HANDSHAKE_TIMEOUT_MS, PING_INTERVAL_MS, READ_DEADLINE_PINGS } from "../../protocol/limits.ts";
import { DEFAULT_PING_POLICY, type PingPolicy } from "./ping-learning.ts";
import type { RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";

/** Tunable numbers of the link. Times in milliseconds. */
export interface LinkPolicy {
  /** An attempt without an open connection after this time is given up. */
  readonly connectTimeoutMs: number;
  /** Time limit for each step of the handshake: challenge, our hello, welcome. */
  readonly handshakeTimeoutMs: number;
  /** Default until the welcome sets another. Shorter where quiet sessions are cut, see ping-learning.ts. */
  readonly pingIntervalMs: number;
  readonly pingLearning: PingPolicy;
  /** After this many ping intervals without a frame the link is dead, even if the socket looks open. */
  readonly readDeadlinePings: number;
  /** A ping unanswered for this many intervals, while other frames arrive, means that the server does not read. */
  readonly unansweredPings: number;
  /** A session this old is stable and resets the retry schedules of its endpoint. */
  readonly stableAfterMs: number;
  /** After a failure of the network or an unresponsive server. */
  readonly failure: RetryPolicy;
  /** After a refusal: slower, because retrying soon will not help. */
  readonly refusal: RetryPolicy;
  /** Between an attempt at one endpoint and the next at another. */
  readonly failover: RetryPolicy;
  /** Longest `retryAfterMs` obeyed, so that a wrong number from a cloud cannot strand a device. */
  readonly retryAfterMaxMs: number;
  /** How many times in a row, without a stable session, a `retryAfterMs` shorter than the own schedule is obeyed. */
  readonly retryAfterShorterMax: number;
  /** Random time added to a `retryAfterMs`: up to this fraction of it, and at most `retryAfterJitterMaxMs`. */
  readonly retryAfterJitterRatio: number;
  readonly retryAfterJitterMaxMs: number;
  /** Time at another endpoint before the preferred one is tried again. */
  readonly preferredReturn: RetryPolicy;
  /** Whether unencrypted addresses of other machines may be followed; see `plainIssue`. */
  readonly plainAllowed: boolean;
  /** Redirects followed in a row without a stable session. */
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
