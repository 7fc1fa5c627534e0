import type { Clock, Timers } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import { stackOf } from "../ports/result.ts";
import { retryDelayMs, type RetryPolicy } from "./retry-schedule.ts";
import { sleep } from "./sleep.ts";

/** A long-running part. It ends when `signal` aborts; ending earlier or throwing means it broke. */
export interface Unit {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** What a unit is doing now; shown by `vitrine status` and `vitrine doctor`. */
export type UnitStatus =
  | { readonly kind: "running"; readonly sinceMs: number; readonly restarts: number }
  | { readonly kind: "waiting"; readonly restarts: number; readonly untilMs: number; readonly lastError: string }
  | { readonly kind: "stopped"; readonly restarts: number };

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** Log message for a unit that ended early or threw. */
export const UNIT_BROKE = "unit broke; restarting it";

const RESTART: RetryPolicy = { firstMs: 500, factor: 2, capMs: 60_000, floorMs: 100 };
/** A unit that ran this long had started well: its next failure begins the schedule anew. */
const STABLE_AFTER_MS = 60_000;

/**
 * Keeps every unit running until `signal` aborts. A unit that breaks is restarted on a schedule that
 * never gives up: on a device nobody can walk to, a part that stays down is worse than one that
 * keeps trying. The same failure is logged once, then counted.
 */
export class Supervisor {
  readonly #units: readonly Unit[];
  readonly #deps: SupervisorDeps;
  readonly #status = new Map<string, UnitStatus>();

  constructor(units: readonly Unit[], deps: SupervisorDeps) {
    this.#units = units;
    this.#deps = deps;
  }

  status(): ReadonlyMap<string, UnitStatus> {
    return this.#status;
  }

  /** Resolves when every unit has ended after `signal` aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#units.map((unit) => this.#keep(unit, signal)));
  }

  async #keep(unit: Unit, signal: AbortSignal): Promise<void> {
    const { clock, timers, random, log } = this.#deps;
    let restarts = 0;
    let attempt = 0;
    let lastLogged = "";
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      this.#status.set(unit.name, { kind: "running", sinceMs: startedMs, restarts });
      const error = await runOnce(unit, signal);
      if (signal.aborted) break;
      restarts += 1;
      attempt = clock.monotonicMs() - startedMs >= STABLE_AFTER_MS ? 0 : attempt + 1;
      const delayMs = retryDelayMs(RESTART, attempt, random);
      if (error !== lastLogged) log.error({ unit: unit.name, error, restarts, delayMs }, UNIT_BROKE);
      lastLogged = error;
      this.#status.set(unit.name, { kind: "waiting", restarts, untilMs: clock.monotonicMs() + delayMs, lastError: error });
      await sleep(timers, `supervisor.restart.${unit.name}`, delayMs, signal);
    }
    this.#status.set(unit.name, { kind: "stopped", restarts });
  }
}

async function runOnce(unit: Unit, signal: AbortSignal): Promise<string> {
  try {
    await unit.run(signal);
    return "ended without being asked to";
  } catch (thrown) {
    return stackOf(thrown);
  }
}
