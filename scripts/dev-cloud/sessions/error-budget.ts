/** Allows at most `max` events in any window of `windowMs`. Keeps one timestamp per event. */
export class ErrorBudget {
  readonly #max: number;
  readonly #windowMs: number;
  #times: number[] = [];

  constructor(max: number, windowMs: number) {
    this.#max = max;
    this.#windowMs = windowMs;
  }

  /** Counts one event. Returns false, without counting it, when the budget is spent. */
  spend(nowMs: number): boolean {
    this.#times = this.#times.filter((atMs) => atMs > nowMs - this.#windowMs);
    if (this.#times.length >= this.#max) return false;
    this.#times.push(nowMs);
    return true;
  }

  /** Milliseconds until the next event is allowed; 0 when one is allowed now. */
  waitMs(nowMs: number): number {
    const alive = this.#times.filter((atMs) => atMs > nowMs - this.#windowMs);
    const first = alive[0];
    return alive.length < this.#max || first === undefined ? 0 : Math.ceil(first + this.#windowMs - nowMs);
  }
}
