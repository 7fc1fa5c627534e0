import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";

/** One timer that several reasons share: it fires at the soonest of the times asked for. */
export class SoonestTimer {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #name: string;
  readonly #fire: () => void;
  #armed: { readonly timer: Timer; readonly dueMs: number } | undefined;

  constructor(clock: Clock, timers: Timers, name: string, fire: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#name = name;
    this.#fire = fire;
  }

  within(delayMs: number): void {
    const dueMs = this.#clock.monotonicMs() + delayMs;
    if (this.#armed !== undefined && this.#armed.dueMs <= dueMs) return;
    this.#armed?.timer.cancel();
    const timer = this.#timers.after(this.#name, delayMs, () => {
      this.#armed = undefined;
      this.#fire();
    });
    this.#armed = { timer, dueMs };
  }

  cancel(): void {
    this.#armed?.timer.cancel();
    this.#armed = undefined;
  }
}
