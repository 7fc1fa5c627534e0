import type { Timer, Timers } from "../ports/clock.ts";

/** Tells that something has changed; what has, the listener reads itself. */
export interface ChangeSource {
  /** Calls back after each change. Returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  close(): void;
}

export interface ChangePollOptions {
  /** Names its timer. */
  readonly name: string;
  readonly everyMs: number;
  /** Text that changes whenever there is a change to report. */
  readonly fingerprint: () => string;
}

/** Polls for changes that nothing announces. Polls only while there are listeners. */
export class ChangePoll implements ChangeSource {
  readonly #timers: Timers;
  readonly #options: ChangePollOptions;
  readonly #listeners = new Set<() => void>();
  #timer: Timer | undefined;
  #last = "";

  constructor(timers: Timers, options: ChangePollOptions) {
    this.#timers = timers;
    this.#options = options;
  }

  onChange(listener: () => void): () => void {
    if (this.#listeners.size === 0) this.#last = this.#options.fingerprint();
    this.#listeners.add(listener);
    this.#schedule();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    const { name, everyMs, fingerprint } = this.#options;
    this.#timer ??= this.#timers.after(name, everyMs, () => {
      this.#timer = undefined;
      const now = fingerprint();
      const changed = now !== this.#last;
      this.#last = now;
      this.#schedule();
      if (changed) for (const listener of [...this.#listeners]) listener();
    });
  }
}
