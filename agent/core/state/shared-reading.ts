import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";

export interface SharedReadingOptions<T> {
  /** Names its timer. */
  readonly name: string;
  readonly read: () => Promise<T>;
  /** Longest time a reading may take, including the wait for the bus. */
  readonly deadlineMs: number;
  /** The value returned when a reading exceeds its deadline, until that reading ends. */
  readonly whenHung: () => T;
}

export interface SharedReadingDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/**
 * A reading of slow hardware, shared by all callers: a TV on CEC needs a second for its status, and the verdict, the
 * reports and the reconcile loop all ask. Callers share the reading in progress. A reading that began before `invalidate`
 * is returned to its callers but not cached. While one hangs past its deadline, no other is started.
 */
export class SharedReading<T> {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #options: SharedReadingOptions<T>;
  readonly #news: Emitter<void>;
  #kept: { readonly value: T; readonly atMs: number } | undefined;
  #looking: Promise<T> | undefined;
  #generation = 0;
  /** Readings past their deadline that have not ended. */
  #hung = 0;

  constructor({ clock, timers, log }: SharedReadingDeps, options: SharedReadingOptions<T>) {
    this.#clock = clock;
    this.#timers = timers;
    this.#news = Emitter.logged(log, options.name);
    this.#options = options;
  }

  /** The cached value if it is at most `maxAgeMs` old, else a new reading. Rejects when the reading does. */
  get(maxAgeMs: number): Promise<T> {
    const kept = this.#kept;
    if (kept !== undefined && this.#clock.monotonicMs() - kept.atMs <= maxAgeMs) return Promise.resolve(kept.value);
    this.#looking ??= this.#look();
    return this.#looking;
  }

  /** The last value, however old; `atMs` is monotonic. */
  latest(): { readonly value: T; readonly atMs: number } | undefined {
    return this.#kept;
  }

  /** Calls back after a reading and after `invalidate`. Returns a function that unsubscribes. */
  onNews(listener: () => void): () => void {
    return this.#news.on(listener);
  }

  /** The hardware was changed: discards the cached value. */
  invalidate(): void {
    this.#generation += 1;
    this.#kept = undefined;
    this.#looking = undefined;
    this.#news.emit();
  }

  async #look(): Promise<T> {
    const generation = this.#generation;
    const atMs = this.#clock.monotonicMs();
    try {
      // Awaited even when hung: `get` must store this promise before the `finally` block clears it.
      const value = await (this.#hung > 0 ? Promise.resolve(this.#options.whenHung()) : this.#withinDeadline());
      if (generation === this.#generation) {
        this.#kept = { value, atMs };
        this.#news.emit();
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
      this.#hung += 1;
      const end = (): void => {
        this.#hung -= 1;
      };
      work.then(end, end);
      return whenHung();
    }
  }
}
