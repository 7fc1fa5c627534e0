/** Records that were moved once let the next ones by after this long, then after twice as long, and so on: each move is a write. */
const MOVE_FIRST_MS = 1_000;
const MOVE_CAP_MS = 60_000;
/** And after so long for each of them, where that is more. */
const MOVE_EACH_MS = 1_000;

/** What is known in one session of the records of one stream that fit no frame of its link. */
export class TooLarge {
  /** Their numbers at the end of the stream, where they were moved to. */
  readonly #numbers = new Set<number>();
  #pauseMs = MOVE_FIRST_MS;
  #notBeforeMs = 0;
  #nothingBehind = false;

  /** Monotonic time from which the stream is worth a look; `Infinity`: once something new is in it. */
  get dueMs(): number {
    return this.#nothingBehind ? Infinity : this.#notBeforeMs;
  }

  /** Nothing is in the stream but these. */
  waitForNews(): void {
    this.#nothingBehind = true;
  }

  /** Something new is in the stream. */
  lookAgain(): void {
    this.#nothingBehind = false;
  }

  /** Whether the ones at the front may move now. Where none of them was moved before they move at once, for they hold up what is behind them. */
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
