import type { Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import { fail, messageOf, stackOf, type Result } from "../../platform/ports/result.ts";
import type { UpdaterRequest } from "../../platform/ports/software.ts";
import type { Updater } from "./updater.ts";

export interface UpdaterDeskDeps {
  readonly updater: Updater;
  readonly timers: Timers;
  readonly log: Log;
  /** Interval of looks at a trial. */
  readonly lookMs: number;
  /** Something that was begun could not be finished. The process has to end: a new one finishes it. */
  onFailure(): void;
}

/** The answer reaches the agent before the agent is restarted. */
const RESTART_AFTER_MS = 500;

/** One process of the updater, without its socket: answers requests and looks at the trial. */
export class UpdaterDesk {
  readonly #deps: UpdaterDeskDeps;
  #look: Timer | undefined;
  #restart: Timer | undefined;

  constructor(deps: UpdaterDeskDeps) {
    this.#deps = deps;
  }

  /** Call before the first request: what is on disk may be half of something. */
  async start(): Promise<void> {
    await this.#deps.updater.recover();
    this.#watch();
  }

  close(): void {
    this.#look?.cancel();
    this.#restart?.cancel();
  }

  async answer(request: UpdaterRequest): Promise<Result<unknown>> {
    try {
      return await this.#do(request);
    } catch (thrown) {
      this.#deps.log.error({ error: stackOf(thrown) }, "a request failed");
      return fail("update.disk", messageOf(thrown));
    }
  }

  async #do(request: UpdaterRequest): Promise<Result<unknown>> {
    const { updater, timers } = this.#deps;
    switch (request.method) {
      case "status":
        return { ok: true, value: await updater.status() };
      case "check":
        return updater.check(request.params);
      case "confirm":
        return updater.confirm(request.params.job);
      case "back":
        return updater.back(request.params.job, request.params.code, request.params.message);
      case "install": {
        this.#look?.cancel();
        const installed = await updater.install(request.params);
        if (installed.ok) {
          this.#restart = timers.after("updater.restart", RESTART_AFTER_MS, () => {
            updater.restart().then(() => this.#watch(), (thrown: unknown) => this.#fail(thrown));
          });
        } else this.#watch();
        return installed;
      }
    }
  }

  #watch(): void {
    const { updater, timers, lookMs } = this.#deps;
    this.#look?.cancel();
    this.#look = timers.after("updater.look", lookMs, () => {
      updater.look().then(
        (isOnTrial) => {
          if (isOnTrial) this.#watch();
        },
        (thrown: unknown) => this.#fail(thrown),
      );
    });
  }

  #fail(thrown: unknown): void {
    this.#deps.log.error({ error: stackOf(thrown) }, "the updater failed and starts again");
    this.#deps.onFailure();
  }
}
