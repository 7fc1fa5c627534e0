import type { Clock } from "../ports/clock.ts";

/** So many at once, and so many a second in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Tokens that come back with time, on the monotonic clock. Full at first. */
export class TokenBucket {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(clock: Pick<Clock, "monotonicMs">, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = clock.monotonicMs();
  }

  /** Whether `take` would succeed now. */
  has(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + ((nowMs - this.#atMs) * this.#rate.perSecond) / 1000);
    this.#atMs = nowMs;
    return this.#tokens >= 1;
  }

  /** Takes a token; false where there is none. */
  take(): boolean {
    if (!this.has()) return false;
    this.#tokens -= 1;
    return true;
  }
}
