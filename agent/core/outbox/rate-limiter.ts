/** So many at once, and so many a second in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  level: number;
  atMs: number;
}

/** More sources than this share one bucket: their names come from outside and must not grow a table. */
const SOURCES_MAX = 32;
export const OTHER_SOURCES = "other";

/** Token buckets by source, on the monotonic clock. */
export class RateLimiter {
  readonly #rateOf: (source: string) => Rate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rateOf: (source: string) => Rate) {
    this.#rateOf = rateOf;
  }

  /** The name a source is counted under: its own, or `other` for all beyond the table. */
  nameOf(source: string): string {
    return this.#buckets.has(source) || this.#buckets.size < SOURCES_MAX ? source : OTHER_SOURCES;
  }

  /** Takes a token when there is one. */
  take(source: string, monotonicMs: number): boolean {
    const name = this.nameOf(source);
    const rate = this.#rateOf(name);
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = { level: rate.burst, atMs: monotonicMs };
      this.#buckets.set(name, bucket);
    }
    const elapsedMs = Math.max(0, monotonicMs - bucket.atMs);
    bucket.level = Math.min(rate.burst, bucket.level + (elapsedMs * rate.perSecond) / 1000);
    bucket.atMs = monotonicMs;
    if (bucket.level < 1) return false;
    bucket.level -= 1;
    return true;
  }
}
