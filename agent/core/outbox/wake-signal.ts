import type { Timers } from "../../../platform/ports/clock.ts";

/** Lets one part wait until something changed. A change between two waits is not missed. */
export class WakeSignal {
  #pending = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  /** Resolves at the next `wake` (at once when there was one since the last wait), after `delayMs`, or when `signal` aborts. */
  async wait(timers: Timers, name: string, delayMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#pending && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          timer?.cancel();
          signal.removeEventListener("abort", finish);
          resolve();
        };
        const timer = Number.isFinite(delayMs) ? timers.after(name, delayMs, finish) : undefined;
        this.#resolve = finish;
        signal.addEventListener("abort", finish, { once: true });
      });
    }
    this.#resolve = undefined;
    this.#pending = false;
  }
}
