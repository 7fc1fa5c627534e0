import type { Clock } from "../../../platform/ports/clock.ts";
import { TokenBucket, type Rate } from "../../../platform/runtime/token-bucket.ts";

/** Sources beyond this many share one bucket: their names come from outside and must not grow the table. */
const SOURCES_MAX = 32;
export const OTHER_SOURCES = "other";

/** A token bucket for each source. */
export class RateLimiter {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #rateOf: (source: string) => Rate;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Pick<Clock, "monotonicMs">, rateOf: (source: string) => Rate) {
    this.#clock = clock;
    this.#rateOf = rateOf;
  }

  /** The name a source is counted under: its own, or `other` once the table is full. */
  nameOf(source: string): string {
    return this.#buckets.has(source) || this.#buckets.size < SOURCES_MAX ? source : OTHER_SOURCES;
  }

  /** Takes a token. Returns false when there is none. */
  take(source: string): boolean {
    const name = this.nameOf(source);
    const bucket = this.#buckets.get(name) ?? new TokenBucket(this.#clock, this.#rateOf(name));
    this.#buckets.set(name, bucket);
    return bucket.take();
  }
}
