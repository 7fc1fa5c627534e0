import type { Clock } from "../../../platform/ports/clock.ts";

/** How often the browser may be started anew for its own good: a machine on which that does not help must not blink all day. */
export class RestartBudget {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #withinMs: number;
  #takenMs: readonly number[] = [];

  constructor(clock: Clock, max: number, withinMs: number) {
    this.#clock = clock;
    this.#max = max;
    this.#withinMs = withinMs;
  }

  /** Whether one more is allowed now; then it counts. */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#takenMs = this.#takenMs.filter((atMs) => nowMs - atMs < this.#withinMs);
    if (this.#takenMs.length >= this.#max) return false;
    this.#takenMs = [...this.#takenMs, nowMs];
    return true;
  }
}
