import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { CloudStore } from "./cloud-store.ts";

/** Work for the next commit. */
export interface CommitJob {
  /** Reads and writes the store, inside the transaction. */
  write(): void;
  /** After everything of this commit is on disk: answers and events go out here. */
  done(): void;
  /** The commit failed and nothing was written. */
  failed(thrown: unknown): void;
  /** Weight for back-pressure: records, or 1. */
  readonly weight: number;
}

/**
 * One transaction serves everything that arrived since the last one, in order of arrival. Nothing is
 * answered before it is on disk; a burst of a thousand batches costs one flush.
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

  /** `onCommitted` runs once after all of a commit's `done`: what can be said once for many jobs is said there. */
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

  /** Weight of what waits for the next commit. */
  get waiting(): number {
    return this.#weight;
  }

  /** Nothing is committed any more, what waits included: the end of a killed process. */
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

  /** Commits now what is waiting. Jobs that `done` adds wait for the next one. */
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
      // A full disk or a damaged file. Nobody is told "stored"; the devices keep their records and come again.
      this.#onFailure(thrown);
      for (const job of jobs) job.failed(thrown);
      return;
    }
    for (const job of jobs) job.done();
    this.#onCommitted();
  }
}
