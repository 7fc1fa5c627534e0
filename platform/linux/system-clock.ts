import type { Clock, Timer, Timers } from "../ports/clock.ts";

/** Longest delay Node's own timer takes; it would turn a longer one into 1 ms, so longer ones are refused. */
export const DELAY_MAX_MS = 2 ** 31 - 1;

/**
 * `performance.now` is CLOCK_MONOTONIC counted from the start of the process, `hrtime` the same clock counted from the
 * boot. Ours counts from the boot, so that times of two processes of one boot can be compared.
 */
const processStartMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The machine's clocks. Settings of the wall clock do not move the monotonic one. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => processStartMs + performance.now(),
};

interface Pending {
  readonly name: string;
  readonly dueMs: number;
}

/**
 * Named timers on the event loop's monotonic clock. What a timer's function throws is a bug and goes to the
 * process's uncaught-exception handler, as it would with `setTimeout`.
 */
export class SystemTimers implements Timers {
  readonly #clock: Clock;
  readonly #pending = new Set<Pending>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  after(name: string, delayMs: number, fire: () => void): Timer {
    refuseBadDelay(name, delayMs);
    const entry: Pending = { name, dueMs: this.#clock.monotonicMs() + delayMs };
    this.#pending.add(entry);
    const handle = setTimeout(() => {
      this.#pending.delete(entry);
      fire();
    }, delayMs);
    return {
      cancel: () => {
        if (this.#pending.delete(entry)) clearTimeout(handle);
      },
    };
  }

  pending(): readonly Pending[] {
    return [...this.#pending].sort((a, b) => a.dueMs - b.dueMs);
  }
}

/** Ends this process with its `exitCode`: when nothing is left to do, and after `delayMs` at the latest. */
export function exitWithin(delayMs: number): void {
  setTimeout(() => process.exit(), delayMs).unref();
}

/** Throws a RangeError naming the timer when `delayMs` is not a number from 0 to 2^31-1. */
export function refuseBadDelay(name: string, delayMs: number): void {
  if (delayMs >= 0 && delayMs <= DELAY_MAX_MS) return;
  throw new RangeError(`timer ${name}: a delay of ${delayMs} ms is not between 0 and ${DELAY_MAX_MS}`);
}
