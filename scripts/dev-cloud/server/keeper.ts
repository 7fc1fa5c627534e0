import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import type { ServerParts } from "./server-parts.ts";

const KEEP_EVERY_MS = 10_000;
const PRUNE_ROWS = 20_000;

/** Every ten seconds, prunes what exceeds the caps and looks for simulated devices. */
export class Keeper {
  readonly #parts: ServerParts;
  readonly #timers: Timers;
  readonly #log: Log;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: ServerParts, timers: Timers, log: Log) {
    this.#parts = parts;
    this.#timers = timers;
    this.#log = log;
  }

  start(): void {
    this.#round();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #round(): void {
    this.#keep().then(
      () => this.#again(),
      (thrown: unknown) => {
        this.#log.error({ error: messageOf(thrown) }, "pruning or looking for simulated devices failed");
        this.#again();
      },
    );
  }

  #again(): void {
    if (!this.#stopped) this.#timer = this.#timers.after("cloud.keep", KEEP_EVERY_MS, () => this.#round());
  }

  async #keep(): Promise<void> {
    const { cloud, uploads, simulated } = this.#parts;
    const { store, settings } = cloud.context;
    const pruned = store.prune(settings.caps, PRUNE_ROWS);
    if (Object.keys(pruned).length > 0) this.#log.info({ pruned }, "pruned the oldest rows beyond the caps");
    for (const row of store.devices()) uploads.prune(row.id);
    await simulated.refresh();
  }
}
