import type { Log } from "../../../platform/ports/log.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";

/**
 * Lock on the device's way to its cloud (endpoints, network settings). Only one thing is changed at a time: with two
 * changes under way, a welcome would not show which one works, nor a lost link which one to undo.
 */
export class WayToCloud {
  readonly #freed: Emitter<void>;
  #holder: string | undefined;
  #holds = 0;

  constructor(log: Log) {
    this.#freed = Emitter.logged(log, "the way to the cloud");
  }

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
      this.#freed.emit();
    };
  }

  /** Calls back each time the lock becomes free. Returns a function that unsubscribes. */
  onFree(listener: () => void): () => void {
    return this.#freed.on(listener);
  }
}
