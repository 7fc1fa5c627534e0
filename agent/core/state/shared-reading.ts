import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";

export interface SharedReadingOptions<T> {
  /** Names its timer. */
  readonly name: string;
  readonly read: () => Promise<T>;
  /** Longest a look may take, waiting for the bus included. */
  readonly deadlineMs: number;
  /** What is seen when a look takes longer, and until that look ends after all. */
  readonly whenHung: () => T;
}

/**
 * One look at slow hardware, shared by everybody who wants to know: a TV on CEC needs a second for its status,
 * and the verdict, the reports and the reconcile loop all ask. One look at a time; a look that began before
 * `invalidate` is handed to who waits for it and not kept; one that hangs is not followed by others.
 */
export class SharedReading<T> {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #options: SharedReadingOptions<T>;
  readonly #listeners = new Set<() => void>();
  #kept: { readonly value: T; readonly atMs: number } | undefined;
  #looking: Promise<T> | undefined;
  #generation = 0;
  #hung = false;

  constructor(time: { readonly clock: Clock; readonly timers: Timers }, options: SharedReadingOptions<T>) {
    this.#clock = time.clock;
    this.#timers = time.timers;
    this.#options = options;
  }

  /** What was seen at most `maxAgeMs` ago, else what is seen now. Rejects as the look itself does. */
  get(maxAgeMs: number): Promise<T> {
    const kept = this.#kept;
    if (kept !== undefined && this.#clock.monotonicMs() - kept.atMs <= maxAgeMs) return Promise.resolve(kept.value);
    this.#looking ??= this.#look();
    return this.#looking;
  }

  /** What was seen last, however long ago; `atMs` is monotonic. */
  latest(): { readonly value: T; readonly atMs: number } | undefined {
    return this.#kept;
  }

  /** Calls back after a look and after `invalidate`. Returns its undo. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The world was changed: what was seen before says nothing now. */
  invalidate(): void {
    this.#generation += 1;
    this.#kept = undefined;
    this.#looking = undefined;
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #look(): Promise<T> {
    const generation = this.#generation;
    const atMs = this.#clock.monotonicMs();
    try {
      // Awaited in either case: `get` must have kept this look's promise before it can end.
      const value = await (this.#hung ? Promise.resolve(this.#options.whenHung()) : this.#withinDeadline());
      if (generation === this.#generation) {
        this.#kept = { value, atMs };
        this.#tell();
      }
      return value;
    } finally {
      if (generation === this.#generation) this.#looking = undefined;
    }
  }

  async #withinDeadline(): Promise<T> {
    const { name, deadlineMs, read, whenHung } = this.#options;
    const work = read();
    try {
      return await withDeadline(this.#timers, name, deadlineMs, work);
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      this.#hung = true;
      const end = (): void => {
        this.#hung = false;
      };
      work.then(end, end);
      return whenHung();
    }
  }
}
