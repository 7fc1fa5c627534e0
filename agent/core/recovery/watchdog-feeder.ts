import type { Timers } from "../../../platform/ports/clock.ts";
import type { Watchdog } from "../../../platform/ports/host.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";

/** Feedings per timeout: a busy card may delay two of them. */
const FEEDS_PER_TIMEOUT = 4;
/** A watchdog that cannot be opened is tried again after this time. */
const AGAIN_MS = 5 * 60_000;

export interface WatchdogFeederDeps {
  readonly watchdog: Watchdog;
  readonly timers: Timers;
  readonly log: Log;
  /** True while the agent's own loops make progress. The cloud has no part in it. */
  readonly healthy: () => boolean;
}

/** Feeds the hardware watchdog while the agent's loops make progress. Not feeding it resets the machine. */
export class WatchdogFeeder {
  readonly #deps: WatchdogFeederDeps;
  #issue: Issue | undefined;
  #starved: string | undefined;

  constructor(deps: WatchdogFeederDeps) {
    this.#deps = deps;
  }

  /** Why the watchdog is not fed; `undefined` while it is. */
  issue(): Issue | undefined {
    return this.#issue;
  }

  /** Never feeds it again, so that it resets the machine. For a reboot that does not happen otherwise. */
  starve(why: string): void {
    this.#starved = why;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { watchdog, timers, log, healthy } = this.#deps;
    let wasFed = true;
    do {
      const stuck = this.#starved ?? (healthy() ? undefined : "the agent's loops are stuck");
      if (stuck === undefined) await this.#feed();
      else if (wasFed) log.error({ why: stuck }, "the hardware watchdog is not fed any more");
      wasFed = stuck === undefined;
    } while (await sleep(timers, "watchdog.feed", this.#issue === undefined ? watchdog.timeoutMs / FEEDS_PER_TIMEOUT : AGAIN_MS, signal));
  }

  async #feed(): Promise<void> {
    const fed = await this.#deps.watchdog.feed();
    const before = this.#issue;
    this.#issue = fed.ok ? undefined : fed.error;
    if (!fed.ok && before === undefined) this.#deps.log.error({ ...fed.error }, "the hardware watchdog cannot be fed");
  }
}
