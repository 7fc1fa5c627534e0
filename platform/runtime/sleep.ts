import type { Timers } from "../ports/clock.ts";

/** Resolves `true` after `delayMs`, or `false` as soon as `signal` aborts. Never rejects. */
export function sleep(timers: Timers, name: string, delayMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = (): void => {
      timer.cancel();
      resolve(false);
    };
    const timer = timers.after(name, delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve(true);
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Rejects with `TimeoutError` when `work` has not settled after `timeoutMs`. `work` itself goes on. */
export function withDeadline<T>(timers: Timers, name: string, timeoutMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = timers.after(name, timeoutMs, () => reject(new TimeoutError(name, timeoutMs)));
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}

export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
  constructor(what: string, timeoutMs: number) {
    super(`${what} did not finish within ${timeoutMs} ms`);
  }
}
