import type { Timers } from "../ports/clock.ts";

/**
 * A bell that one loop waits for. Ringing while the loop works is kept, so nothing is missed; ringing twice is ringing
 * once, so nothing piles up.
 */
export class Wake {
  #rung = false;
  #answer: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#answer?.();
  }

  /** Resolves when rung, after `timeoutMs` (`Infinity`: no timer), or when `signal` aborts. */
  wait(timers: Timers, name: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#rung || signal.aborted) {
      this.#rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = (): void => {
        timer?.cancel();
        signal.removeEventListener("abort", done);
        this.#answer = undefined;
        this.#rung = false;
        resolve();
      };
      const timer = Number.isFinite(timeoutMs) ? timers.after(name, Math.max(0, timeoutMs), done) : undefined;
      signal.addEventListener("abort", done, { once: true });
      this.#answer = done;
    });
  }
}
