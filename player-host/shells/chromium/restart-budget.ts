import type { Clock } from "../../../platform/ports/clock.ts";

/** Limits how often the browser is restarted as a remedy: a machine on which it does not help must not flicker all day. */
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

  /** Takes one restart from the budget. Returns false when none is left. */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#takenMs = this.#takenMs.filter((atMs) => nowMs - atMs < this.#withinMs);
    if (this.#takenMs.length >= this.#max) return false;
    this.#takenMs = [...this.#takenMs, nowMs];
    return true;
  }
}
