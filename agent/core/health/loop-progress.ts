import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";

/** A loop that has made no progress for too long. */
export interface StuckLoop {
  readonly name: string;
  readonly silentMs: number;
}

/**
 * Liveness for a watchdog: progress of our own loops only. Whether the cloud answers, a display obeys or the player draws
 * does not count, or the watchdog would kill a healthy device that is offline.
 *
 * Loops are recognised by their timers: each loop of the agent waits on a named timer, which it arms again on every turn.
 * `watch` wraps the timers to note that; the loops know nothing of it.
 */
export class LoopProgress {
  readonly #clock: Clock;
  readonly #limits: ReadonlyMap<string, number>;
  readonly #seenMs = new Map<string, number>();

  /** `limits`: timer name → longest time between two turns of its loop, in ms. Generous, because a restart does harm too. */
  constructor(clock: Clock, limits: Readonly<Record<string, number>>) {
    this.#clock = clock;
    this.#limits = new Map(Object.entries(limits));
  }

  /** Returns the timers to give to the loops. */
  watch(timers: Timers): Timers {
    return {
      after: (name: string, delayMs: number, fire: () => void): Timer => {
        if (this.#limits.has(name)) this.#seenMs.set(name, this.#clock.monotonicMs());
        return timers.after(name, delayMs, fire);
      },
      pending: () => timers.pending(),
    };
  }

  /** Loops that started and then made no progress in time. One that never started is left to the supervisor. */
  stuck(): readonly StuckLoop[] {
    const nowMs = this.#clock.monotonicMs();
    const stuck: StuckLoop[] = [];
    for (const [name, limitMs] of this.#limits) {
      const seenMs = this.#seenMs.get(name);
      if (seenMs !== undefined && nowMs - seenMs > limitMs) stuck.push({ name, silentMs: Math.round(nowMs - seenMs) });
    }
    return stuck;
  }

  healthy(): boolean {
    return this.stuck().length === 0;
  }
}

/** The agent's loops that wait for nothing external and turn at least every half minute or so. Limits in ms. */
export const LOOP_LIMITS_MS: Readonly<Record<string, number>> = {
  "schedule.watch": 10 * 60_000,
  "screen.judge": 10 * 60_000,
  "health.look": 10 * 60_000,
};
