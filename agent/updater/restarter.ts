import type { Log } from "../../platform/ports/log.ts";
import type { Result } from "../../platform/ports/result.ts";
import { AGENT_UNIT, RestartCounter, UNITS, upOf, type Services, type ServiceState } from "./services.ts";

export interface RestarterDeps {
  readonly services: Services;
  readonly machine: { upMs(): number };
  readonly log: Log;
}

/** Pause before a service manager that refused is asked again; doubled each time. */
const ASK_AGAIN_MS = 1_000;
const ASK_AGAIN_MAX_MS = 5 * 60_000;

/** Has the services restarted, counts their own restarts, and knows when a service manager that refused is to be asked again. */
export class Restarter {
  readonly #deps: RestarterDeps;
  #counter = new RestartCounter();
  #refusals = 0;
  #askAgainMs = 0;

  constructor(deps: RestarterDeps) {
    this.#deps = deps;
  }

  /** `nothing`: the last restart was not refused; `later`, `now`: when to ask again. */
  get due(): "nothing" | "later" | "now" {
    if (this.#refusals === 0) return "nothing";
    return this.#deps.machine.upMs() < this.#askAgainMs ? "later" : "now";
  }

  /** The services' own restarts since the first call. */
  count(states: Readonly<Record<string, ServiceState>>): ReadonlyMap<string, number> {
    return this.#counter.take(states);
  }

  countAnew(): void {
    this.#counter = new RestartCounter();
  }

  /**
   * Has unit files read and `units` restarted. `up`: what ran before the switch, where that is known. A service that somebody stopped, or that
   * is not installed, stays as it is. Error: the service manager's.
   */
  async restart(units: readonly string[], up: readonly string[] = []): Promise<Result<void>> {
    const { services, machine, log } = this.#deps;
    // The counters start from what is known before the restart.
    const before = await services.states(UNITS);
    if (before.ok) this.#counter.take(before.value);
    const wanted = before.ok ? [AGENT_UNIT, ...up, ...upOf(before.value)] : units;
    const reloaded = await services.reload();
    const done = reloaded.ok ? await services.restart(units.filter((unit) => wanted.includes(unit))) : reloaded;
    if (done.ok) {
      this.#refusals = 0;
      return done;
    }
    const pauseMs = Math.min(ASK_AGAIN_MS * 2 ** this.#refusals, ASK_AGAIN_MAX_MS);
    this.#refusals += 1;
    this.#askAgainMs = machine.upMs() + pauseMs;
    log.error({ ...done.error, pauseMs }, "the service manager refused, and is asked again");
    return done;
  }
}
