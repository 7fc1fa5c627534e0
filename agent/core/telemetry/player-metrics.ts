import type { Clock } from "../../../platform/ports/clock.ts";

/** Metrics older than this are no longer used. */
const AGE_MAX_MS = 90_000;
const NAMES_MAX = 24;
const NAME = /^[a-z][a-z0-9.-]{0,47}$/;

/** Keeps the player's newest metrics. They come from another process, so only well-formed names and numbers are kept. */
export class PlayerMetrics {
  readonly #clock: Clock;
  #newest: { readonly metrics: Readonly<Record<string, number>>; readonly atMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(metrics: Readonly<Record<string, number>>): void {
    const good = Object.entries(metrics).filter(([name, value]) => NAME.test(name) && Number.isFinite(value));
    const named = good.slice(0, NAMES_MAX).map(([name, value]) => [name.startsWith("player.") ? name : `player.${name}`, value] as const);
    this.#newest = { atMs: this.#clock.monotonicMs(), metrics: Object.fromEntries(named) };
  }

  /** `undefined` when the player sent none lately. */
  newest(): Readonly<Record<string, number>> | undefined {
    const newest = this.#newest;
    return newest !== undefined && this.#clock.monotonicMs() - newest.atMs <= AGE_MAX_MS ? newest.metrics : undefined;
  }
}
