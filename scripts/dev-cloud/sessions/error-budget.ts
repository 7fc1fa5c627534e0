/** Allows so many events in any window of time; says when it is spent. Keeps one number per event, at most `max`. */
export class ErrorBudget {
  readonly #max: number;
  readonly #windowMs: number;
  #times: number[] = [];

  constructor(max: number, windowMs: number) {
    this.#max = max;
    this.#windowMs = windowMs;
  }

  /** Counts one event; false when there have been more than allowed. */
  spend(nowMs: number): boolean {
    this.#times = this.#times.filter((atMs) => atMs > nowMs - this.#windowMs);
    if (this.#times.length >= this.#max) return false;
    this.#times.push(nowMs);
    return true;
  }

  /** Ms until one event is allowed again; 0 when one is allowed now. */
  waitMs(nowMs: number): number {
    const alive = this.#times.filter((atMs) => atMs > nowMs - this.#windowMs);
    const first = alive[0];
    return alive.length < this.#max || first === undefined ? 0 : Math.ceil(first + this.#windowMs - nowMs);
  }
}
