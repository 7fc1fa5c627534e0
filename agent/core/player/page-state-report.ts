import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { Reporter } from "../state/reporter.ts";

/** Shortest time between two reports of the page's state; otherwise a page that counts seconds would cost a patch a second. */
export const PAGE_STATE_FLOOR_MS = 30_000;

export interface PageStateReportDeps {
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * Reports the section `page` of the reported document. The first state after a quiet time is reported at once; of those that
 * follow within the floor, the newest is reported at its end, so that the last is never lost. Clearing takes effect at once.
 */
export class PageStateReport {
  readonly #deps: PageStateReportDeps;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #newest: JsonObject | undefined;
  #timer: Timer | undefined;

  constructor(deps: PageStateReportDeps) {
    this.#deps = deps;
  }

  set(state: JsonObject): void {
    this.#newest = state;
    if (this.#timer !== undefined) return;
    const { clock, timers } = this.#deps;
    const waitMs = this.#reportedMs + PAGE_STATE_FLOOR_MS - clock.monotonicMs();
    if (waitMs <= 0) this.#report();
    else this.#timer = timers.after("page.state", waitMs, () => this.#report());
  }

  /** For when the page is no longer on: removes its state. The next page's state is reported without delay. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#newest = undefined;
    this.#reportedMs = Number.NEGATIVE_INFINITY;
    this.#deps.reporter.set("page", undefined);
  }

  /** Reports a state that is still waiting. */
  stop(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#report();
  }

  #report(): void {
    this.#timer = undefined;
    this.#reportedMs = this.#deps.clock.monotonicMs();
    this.#deps.reporter.set("page", this.#newest);
  }
}
