import type { Random } from "../ports/random.ts";

/** Exponential backoff with full jitter. Times in milliseconds. */
export interface RetryPolicy {
  /** Upper bound of the first delay. */
  readonly firstMs: number;
  /** Multiplier from one bound to the next. */
  readonly factor: number;
  /** No bound grows beyond this. */
  readonly capMs: number;
  /** No delay is shorter than this, so that full jitter cannot hammer a server. */
  readonly floorMs: number;
}

/**
 * The delay before retry number `attempt` (0 is the first retry): full jitter between the floor and
 * the bound. Jitter comes after the cap, so a fleet that sits at the cap does not retry in step.
 * Pure: it never ends and never sleeps; the caller resets `attempt` when things are stable again.
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: Random): number {
  const exponent = Math.min(attempt, 64);
  const bound = Math.min(policy.capMs, policy.firstMs * policy.factor ** exponent);
  return Math.round(policy.floorMs + random.next() * Math.max(0, bound - policy.floorMs));
}
