import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { CloudStore } from "./cloud-store.ts";

/** One job of the next commit. */
export interface CommitJob {
  /** Reads and writes the store inside the transaction. */
  write(): void;
  /** Runs once the commit is on disk: send answers and events here. */
  done(): void;
  /** The commit failed and nothing was written. */
  failed(thrown: unknown): void;
  /** Weight for back-pressure: records, or 1. */
  readonly weight: number;
}

/**
 * Commits everything that arrived since the last commit in one transaction, in order of arrival. Nothing is
 * answered before it is on disk, yet a burst of a thousand batches costs one flush.
 */
export class GroupCommit {
  readonly #store: CloudStore;
  readonly #timers: Timers;
  readonly #onFailure: (thrown: unknown) => void;
  readonly #onCommitted: () => void;
  #jobs: CommitJob[] = [];
  #weight = 0;
  #timer: Timer | undefined;
  #abandoned = false;

  /** `onCommitted` runs once after all `done` callbacks of a commit, for answers that cover many jobs. */
  constructor(
    store: CloudStore,
    timers: Timers,
    hooks: { readonly onFailure: (thrown: unknown) => void; readonly onCommitted: () => void },
  ) {
    this.#store = store;
    this.#timers = timers;
    this.#onFailure = hooks.onFailure;
    this.#onCommitted = hooks.onCommitted;
  }

  /** Total weight of the jobs waiting for the next commit. */
  get waiting(): number {
    return this.#weight;
  }

  /** Drops waiting jobs and ignores later ones, like a killed process. */
  abandon(): void {
    this.#abandoned = true;
    this.#timer?.cancel();
    this.#jobs = [];
    this.#weight = 0;
  }

  add(job: CommitJob): void {
    if (this.#abandoned) return;
    this.#jobs.push(job);
    this.#weight += job.weight;
    this.#timer ??= this.#timers.after("cloud.commit", 0, () => this.flush());
  }

  /** Commits the waiting jobs now. Jobs added by `done` wait for the next commit. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const jobs = this.#jobs;
    if (jobs.length === 0) return;
    this.#jobs = [];
    this.#weight = 0;
    try {
      this.#store.transaction(() => {
        for (const job of jobs) job.write();
      });
    } catch (thrown) {
      // A full disk or a damaged file. Nothing is acknowledged, so devices keep their records and send them again.
      this.#onFailure(thrown);
      for (const job of jobs) job.failed(thrown);
      return;
    }
    for (const job of jobs) job.done();
    this.#onCommitted();
  }
}
