import type { Timers } from "../../platform/ports/clock.ts";
import { sleep } from "../../platform/runtime/sleep.ts";

/** How long a start waits for its sockets; well below systemd's 90 s. */
const PATIENCE_MS = 10_000;

/** Tracks which of this process's sockets accept connections. */
export class Listening {
  readonly #missing: Set<string>;
  readonly #complete = new AbortController();

  constructor(names: readonly string[]) {
    this.#missing = new Set(names);
  }

  note(name: string): void {
    this.#missing.delete(name);
    if (this.#missing.size === 0) this.#complete.abort();
  }

  /**
   * Resolves when all sockets listen, after 10 s, or when `signal` aborts. The value names the missing ones; `undefined`
   * if there are none.
   */
  async all(timers: Timers, signal: AbortSignal): Promise<string | undefined> {
    await sleep(timers, "systemd.sockets", PATIENCE_MS, AbortSignal.any([signal, this.#complete.signal]));
    return this.#missing.size === 0 ? undefined : [...this.#missing].join(", ");
  }
}
