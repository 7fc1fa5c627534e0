import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { CloudStore } from "./cloud-store.ts";

/** One job of the next commit. */
export interface CommitJob {
  /**
   * Who sent it. When a job fails, the later ones of its sender in the same commit fail too: their answer would also
   * acknowledge what the failed one brought.
   */
  readonly sender: string;
  /** Reads and writes the store inside the transaction. When it throws, its own writes are undone. */
  write(): void;
  /** Runs once the commit is on disk: send answers and events here. */
  done(): void;
  /** Nothing of it was written, or `done` threw. End the session: the device sends again what was not answered. */
  failed(thrown: unknown): void;
  /** Weight for back-pressure: records, or 1. */
  readonly weight: number;
}

/**
 * Commits everything that arrived since the last commit in one transaction, in order of arrival. Nothing is
 * answered before it is on disk, yet a burst of a thousand batches costs one flush. A job that fails does not affect
 * the jobs of other senders.
 */
export class GroupCommit {
  readonly #store: CloudStore;
  readonly #timers: Timers;
  readonly #onFailure: (thrown: unknown, sender?: string) => void;
  readonly #onSettled: () => void;
  #jobs: CommitJob[] = [];
  #weight = 0;
  #timer: Timer | undefined;
  #abandoned = false;

  /**
   * `onFailure` runs once for a commit that failed, or for each job that failed by itself. `onSettled` runs once after all
   * callbacks of a commit, for answers that cover many jobs.
   */
  constructor(
    store: CloudStore,
    timers: Timers,
    hooks: { readonly onFailure: (thrown: unknown, sender?: string) => void; readonly onSettled: () => void },
  ) {
    this.#store = store;
    this.#timers = timers;
    this.#onFailure = hooks.onFailure;
    this.#onSettled = hooks.onSettled;
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
    const failures = this.#write(jobs);
    for (const job of jobs) {
      const failure = failures.get(job);
      if (failure === undefined) this.#answer(job);
      else job.failed(failure.thrown);
    }
    this.#onSettled();
  }

  /** Writes what can be written and returns the jobs that were not, with the reason. */
  #write(jobs: readonly CommitJob[]): ReadonlyMap<CommitJob, { readonly thrown: unknown }> {
    const failures = new Map<CommitJob, { readonly thrown: unknown }>();
    const bySender = new Map<string, { readonly thrown: unknown }>();
    try {
      this.#store.transaction(() => {
        for (const job of jobs) {
          let failure = bySender.get(job.sender);
          if (failure === undefined) failure = this.#attempt(job);
          if (failure === undefined) continue;
          bySender.set(job.sender, failure);
          failures.set(job, failure);
        }
      });
    } catch (thrown) {
      // A full disk or a damaged file. Nothing is acknowledged, so devices keep their records and send them again.
      this.#onFailure(thrown);
      return new Map(jobs.map((job) => [job, { thrown }]));
    }
    return failures;
  }

  #attempt(job: CommitJob): { readonly thrown: unknown } | undefined {
    try {
      this.#store.savepoint(() => job.write());
      return undefined;
    } catch (thrown) {
      this.#onFailure(thrown, job.sender);
      return { thrown };
    }
  }

  #answer(job: CommitJob): void {
    try {
      job.done();
    } catch (thrown) {
      this.#onFailure(thrown, job.sender);
      job.failed(thrown);
    }
  }
}
