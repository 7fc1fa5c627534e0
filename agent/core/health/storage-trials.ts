import type { Timers } from "../../../platform/ports/clock.ts";
import type { SystemProbe } from "../../../platform/ports/host.ts";
import type { StorageTrial } from "../../../platform/ports/machine-facts.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";

/** Not during the start, when everything reads from the card. */
export const FIRST_TRIAL_MS = 10 * 60_000;
/** 24 blocks of 4 KiB a day; docs/budgets.md has the flash budget. */
export const TRIAL_EVERY_MS = 3_600_000;
/** A bad trial is checked sooner. */
export const TRIAL_AGAIN_MS = 5 * 60_000;
/** Healthy cards take milliseconds. Cards that clean up were seen to take a second or two now and then. */
export const SLOW_MS = 5_000;
/** Bad trials in a row that make an issue. */
const BAD_TRIALS = 2;

/** Tries the storage now and then. An issue needs two bad trials in a row; a good one ends it. */
export class StorageTrials {
  readonly #probe: Pick<SystemProbe, "tryStorage">;
  readonly #timers: Timers;
  #newest: Reading<StorageTrial> | undefined;
  #bad = 0;

  constructor(probe: Pick<SystemProbe, "tryStorage">, timers: Timers) {
    this.#probe = probe;
    this.#timers = timers;
  }

  /** The newest trial; `undefined` before the first. */
  newest(): Reading<StorageTrial> | undefined {
    return this.#newest;
  }

  issue(): Issue | undefined {
    return this.#bad >= BAD_TRIALS && this.#newest !== undefined ? issueOf(this.#newest) : undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    let waitMs = FIRST_TRIAL_MS;
    while (await sleep(this.#timers, "storage.next-trial", waitMs, signal)) {
      this.#newest = await this.#probe.tryStorage();
      this.#bad = issueOf(this.#newest) === undefined ? 0 : this.#bad + 1;
      waitMs = this.#bad > 0 ? TRIAL_AGAIN_MS : TRIAL_EVERY_MS;
    }
  }
}

function issueOf(trial: Reading<StorageTrial>): Issue | undefined {
  if (trial.kind === "failed") return trial.error;
  if (trial.kind !== "ok" || trial.value.writeMs + trial.value.readMs < SLOW_MS) return undefined;
  return { code: "disk.slow", message: `the disk takes more than ${SLOW_MS / 1_000} s to write and read a block of 4 KiB` };
}
