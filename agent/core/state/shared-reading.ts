import type { Clock } from "../../../platform/ports/clock.ts";

/**
 * One look at slow hardware, shared by everybody who wants to know: a TV on CEC needs a second for its status,
 * and the verdict, the reports and the reconcile loop all ask. One look at a time; a look that began before
 * `invalidate` is handed to who waits for it and not kept.
 */
export class SharedReading<T> {
  readonly #clock: Clock;
  readonly #read: () => Promise<T>;
  #kept: { readonly value: T; readonly atMs: number } | undefined;
  #looking: Promise<T> | undefined;
  #generation = 0;

  constructor(clock: Clock, read: () => Promise<T>) {
    this.#clock = clock;
    this.#read = read;
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

  /** The world was changed: what was seen before says nothing now. */
  invalidate(): void {
    this.#generation += 1;
    this.#kept = undefined;
    this.#looking = undefined;
  }

  async #look(): Promise<T> {
    const generation = this.#generation;
    const atMs = this.#clock.monotonicMs();
    try {
      const value = await this.#read();
      if (generation === this.#generation) this.#kept = { value, atMs };
      return value;
    } finally {
      if (generation === this.#generation) this.#looking = undefined;
    }
  }
}
