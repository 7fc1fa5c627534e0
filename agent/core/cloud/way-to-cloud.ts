/**
 * The device's way to its cloud, of which one thing is changed at a time: with two changes under way nobody could say
 * which of them the cloud's welcome proves, nor which one a lost link is to undo.
 */
export class WayToCloud {
  readonly #listeners = new Set<() => void>();
  #holder: string | undefined;
  #holds = 0;

  /** Who is changing it now. */
  holder(): string | undefined {
    return this.#holder;
  }

  /** Takes it for `who`, who may have it already. Gives the release, to be called once; `undefined`: another has it. */
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

  /** Calls back each time it is free again. Returns its undo. */
  onFree(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
