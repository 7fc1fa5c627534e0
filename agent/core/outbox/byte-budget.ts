import type { Clock } from "../../../platform/ports/clock.ts";

/** The rate limit never cuts a batch smaller than this. */
const BATCH_BYTES_MIN = 4 * 1024;

/** Limits the average bytes per second. Spending may overshoot; the excess is waited off before the next send. */
export class ByteBudget {
  readonly #clock: Clock;
  #bytesPerSecond: number | undefined;
  #level = 0;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  limit(bytesPerSecond: number | undefined): void {
    this.#refill();
    this.#bytesPerSecond = bytesPerSecond;
    this.#level = Math.min(this.#level, bytesPerSecond ?? 0);
  }

  /** Milliseconds until sending is allowed again; 0 means now. */
  pauseMs(): number {
    this.#refill();
    if (this.#bytesPerSecond === undefined || this.#level >= 0) return 0;
    return Math.ceil((-this.#level / this.#bytesPerSecond) * 1000);
  }

  /** Most bytes to send at once: one second's worth, so that more urgent messages do not wait long. */
  bytesAtOnce(): number {
    return this.#bytesPerSecond === undefined ? Infinity : Math.max(BATCH_BYTES_MIN, this.#bytesPerSecond);
  }

  spend(bytes: number): void {
    this.#refill();
    if (this.#bytesPerSecond !== undefined) this.#level -= bytes;
  }

  /** Unused allowance is kept for one second. */
  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const rate = this.#bytesPerSecond;
    if (rate !== undefined) this.#level = Math.min(rate, this.#level + ((nowMs - this.#atMs) * rate) / 1000);
    this.#atMs = nowMs;
  }
}
