import type { Timers } from "../ports/clock.ts";

/**
 * Wake-up signal for a single waiting loop. A ring while the loop is busy is remembered, so none is missed; several rings
 * count as one, so none accumulate.
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
