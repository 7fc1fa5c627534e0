import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { cdpFailure, type Cdp } from "../cdp/cdp-client.ts";
import { processIds } from "./renderer-processes.ts";

export interface GpuWatchDeps {
  readonly cdp: Cdp;
  readonly timers: Timers;
  readonly log: Log;
  /** Called at the death of the GPU process after which Chromium refuses WebGL, or ends itself at the next one. */
  readonly worn: (why: string) => void;
}

const LOOK_EVERY_MS = 2_000;
/** After the second death, Chromium refuses WebGL; at the third, without a GPU, it ends itself (Chromium 150 and 156). */
const DEATHS_MAX = 2;

/**
 * Counts the deaths of the browser's GPU process by polling its process id, because nothing reports them: the browser starts
 * another one, until it refuses WebGL for good. A starting browser may replace the process while it looks for working
 * drivers, so the first death counts only if the process was seen at least twice.
 */
export class GpuWatch {
  readonly #deps: GpuWatchDeps;
  #seen: { readonly pid: number; readonly looks: number } | undefined;
  #deaths = 0;

  constructor(deps: GpuWatchDeps) {
    this.#deps = deps;
  }

  get deaths(): number {
    return this.#deaths;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (await sleep(this.#deps.timers, "gpu.next-look", LOOK_EVERY_MS, signal)) {
      const pids = await this.#pids();
      if (signal.aborted || pids === undefined) continue;
      const [pid] = pids;
      const before = this.#seen;
      this.#seen = pid === undefined ? undefined : { pid, looks: before?.pid === pid ? before.looks + 1 : 1 };
      if (before !== undefined && before.pid !== pid && (before.looks > 1 || this.#deaths > 0)) this.#died(before.pid);
    }
  }

  #died(pid: number): void {
    this.#deaths += 1;
    this.#deps.log.error({ pid, deaths: this.#deaths }, "the browser's GPU process died");
    if (this.#deaths === DEATHS_MAX) this.#deps.worn(`gpu.process-died: the browser's GPU process died ${this.#deaths} times; after the next death WebGL is refused or the browser ends itself`);
  }

  /** `undefined` when the browser does not answer. */
  async #pids(): Promise<readonly number[] | undefined> {
    try {
      return await processIds(this.#deps.cdp, "GPU");
    } catch (thrown) {
      this.#deps.log.debug({ error: cdpFailure(thrown) }, "the browser does not list its processes");
      return undefined;
    }
  }
}
