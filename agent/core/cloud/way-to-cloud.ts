/**
 * Lock on the device's way to its cloud (endpoints, network settings). Only one thing is changed at a time: with two
 * changes under way, a welcome would not show which one works, nor a lost link which one to undo.
 */
export class WayToCloud {
  readonly #listeners = new Set<() => void>();
  #holder: string | undefined;
  #holds = 0;

  holder(): string | undefined {
    return this.#holder;
  }

  /** Takes the lock for `who`; reentrant. Returns the release function, or `undefined` while another holds it. */
  take(who: string): (() => void) | undefined {
    if (this.#holder !== undefined && this.#holder !== who) return undefined;
    this.#holder = who;
    this.#holds += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#holds -= 1;
      if (this.#holds > 0) return;
      this.#holder = undefined;
      for (const listener of [...this.#listeners]) listener();
    };
  }

  /** Calls back each time the lock becomes free. Returns a function that unsubscribes. */
  onFree(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
