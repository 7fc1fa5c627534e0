import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";

/** A loop that has made no progress for too long. */
export interface StuckLoop {
  readonly name: string;
  /** Time since it should have continued. */
  readonly silentMs: number;
}

/** `waiting`: for its timer, at most until `dueMs`. `working`: since its last wait ended, or since the start. */
type Turn = { readonly kind: "waiting"; readonly dueMs: number } | { readonly kind: "working"; readonly sinceMs: number };

/**
 * Liveness for a watchdog: progress of our own loops only. Whether the cloud answers, a display obeys or the player draws
 * does not count, or the watchdog would kill a healthy device that is offline.
 *
 * Loops are recognised by their timers: each waits on a named timer, which it arms again on every turn. The timer says for
 * how long the loop means to wait, so one that waits an hour is judged as exactly as one that waits a second. `watch` wraps
 * the timers; the loops know nothing of it.
 */
export class LoopProgress {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #turns = new Map<string, Turn>();

  /** `loops`: names of their timers. `graceMs`: longest time one may work, or be late. Generous, because a restart does harm too. */
  constructor(clock: Clock, loops: readonly string[], graceMs = LOOP_GRACE_MS) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    const sinceMs = clock.monotonicMs();
    // A loop that never gets to its first wait is as stuck as one that stops.
    for (const name of loops) this.#turns.set(name, { kind: "working", sinceMs });
  }

  /** Returns the timers to give to the loops. */
  watch(timers: Timers): Timers {
    return {
      after: (name: string, delayMs: number, fire: () => void): Timer => {
        if (!this.#turns.has(name)) return timers.after(name, delayMs, fire);
        const turn: Turn = { kind: "waiting", dueMs: this.#clock.monotonicMs() + delayMs };
        this.#turns.set(name, turn);
        const ended = (): void => {
          // A newer timer of the same loop may have replaced this one before it was canceled.
          if (this.#turns.get(name) === turn) this.#turns.set(name, { kind: "working", sinceMs: this.#clock.monotonicMs() });
        };
        const timer = timers.after(name, delayMs, () => {
          ended();
          fire();
        });
        return {
          cancel: () => {
            ended();
            timer.cancel();
          },
        };
      },
      pending: () => timers.pending(),
    };
  }

  /** Loops that have not continued in time. */
  stuck(): readonly StuckLoop[] {
    const nowMs = this.#clock.monotonicMs();
    const stuck: StuckLoop[] = [];
    for (const [name, turn] of this.#turns) {
      const silentMs = nowMs - (turn.kind === "waiting" ? turn.dueMs : turn.sinceMs);
      if (silentMs > this.#graceMs) stuck.push({ name, silentMs: Math.round(silentMs) });
    }
    return stuck;
  }

  healthy(): boolean {
    return this.stuck().length === 0;
  }
}

export const LOOP_GRACE_MS = 10 * 60_000;

/**
 * Timers of the agent's loops that always continue by themselves, whatever cloud, player and hardware do. `link.tick` is the
 * link's own clock: it runs online, offline and between attempts.
 */
export const LOOPS: readonly string[] = ["schedule.watch", "screen.judge", "health.look", "telemetry.tick", "alarms.next", "desired.store-again", "storage.next-trial", "link.tick"];
