import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { Reporter } from "../state/reporter.ts";

/** Shortest time between two reports of what the page says of itself: a page that counts seconds would cost a patch a second. */
export const PAGE_STATE_FLOOR_MS = 30_000;

export interface PageStateReportDeps {
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * The section `page` of the reported document. The first state after a quiet time goes at once; of those that follow within
 * the floor the newest is reported at its end, so that the last one is never lost. A state that is gone is gone at once.
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

  /** Other content is on, or none: what the page before said is no longer so, and the next one need not wait for it. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#newest = undefined;
    this.#reportedMs = Number.NEGATIVE_INFINITY;
    this.#deps.reporter.set("page", undefined);
  }

  /** Reports what still waits. */
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
