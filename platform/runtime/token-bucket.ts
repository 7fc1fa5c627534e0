import type { Clock } from "../ports/clock.ts";

/** Burst size in tokens, and long-term rate in tokens per second. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Token bucket on the monotonic clock. Starts full. */
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

  /** Takes a token; returns false if there is none. */
  take(): boolean {
    if (!this.has()) return false;
    this.#tokens -= 1;
    return true;
  }
}
