/** Wait before records that were already moved once move again. It doubles with each move, since each move is a write. */
const MOVE_FIRST_MS = 1_000;
const MOVE_CAP_MS = 60_000;
/** Wait per record to move, if the sum is longer. */
const MOVE_EACH_MS = 1_000;

/** Tracks, for one session and stream, the records that fit no frame of the link. */
export class TooLarge {
  /** Their new numbers at the end of the stream. */
  readonly #numbers = new Set<number>();
  #pauseMs = MOVE_FIRST_MS;
  #notBeforeMs = 0;
  #nothingBehind = false;

  /** Monotonic time from which the stream should be read again; `Infinity`: not until it has a new record. */
  get dueMs(): number {
    return this.#nothingBehind ? Infinity : this.#notBeforeMs;
  }

  /** The stream holds nothing else. */
  waitForNews(): void {
    this.#nothingBehind = true;
  }

  /** The stream has a new record. */
  lookAgain(): void {
    this.#nothingBehind = false;
  }

  /** Whether the records at the front may move now. Those never moved before may at once, since they block those behind them. */
  mayMove(front: readonly number[], nowMs: number): boolean {
    if (nowMs < this.#notBeforeMs) return false;
    if (!front.some((seq) => this.#numbers.has(seq))) return true;
    this.#notBeforeMs = nowMs + Math.max(this.#pauseMs, front.length * MOVE_EACH_MS);
    this.#pauseMs = Math.min(MOVE_CAP_MS, this.#pauseMs * 2);
    return true;
  }

  moved(from: number, to: number): void {
    this.#numbers.delete(from);
    this.#numbers.add(to);
  }
}
