import type { SoftwareStatus, SoftwareUpdater } from "../../../platform/ports/software.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Reporter } from "../state/reporter.ts";

/** The updater may be starting, or a disk may be slow; asking starts it again. */
const RETRY_MS = 60_000;

/** Reports which release runs, which is on trial, and which were confirmed and failed last. Asks the updater at the start and after each change only, and again after no answer, because each question starts it. */
export class SoftwareReporter {
  readonly #software: SoftwareUpdater;
  readonly #reporter: Reporter;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #wake = new Wake();
  #status: SoftwareStatus | undefined;

  constructor(software: SoftwareUpdater, reporter: Reporter, timers: Timers, log: Log) {
    this.#software = software;
    this.#reporter = reporter;
    this.#timers = timers;
    this.#log = log;
  }

  /** As last read. */
  current(): SoftwareStatus | undefined {
    return this.#status;
  }

  changed(): void {
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isRead = await this.#read();
      await this.#wake.wait(this.#timers, "software.report", isRead ? Infinity : RETRY_MS, signal);
    }
  }

  async #read(): Promise<boolean> {
    const status = await this.#software.status();
    if (!status.ok) {
      this.#log.warn({ ...status.error }, "it is not known which release is installed");
      return false;
    }
    this.#status = status.value;
    const { running, confirmed, trial, lastConfirmed, lastFailed } = status.value;
    this.#reporter.set("software", {
      running, confirmed,
      ...(trial !== undefined && { trial: { version: trial.version, job: trial.job } }),
      ...(lastConfirmed !== undefined && { lastConfirmed: { version: lastConfirmed.version, job: lastConfirmed.job } }),
      ...(lastFailed !== undefined && { lastFailed: { version: lastFailed.version, job: lastFailed.job, code: lastFailed.code, message: lastFailed.message.slice(0, 1000) } }),
    });
    return true;
  }
}
