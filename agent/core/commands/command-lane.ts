/**
 * Runs jobs one at a time, in order of arrival. The lane moves on when a job's promise settles, so a job can free the
 * lane while its executor still hangs.
 */
export class CommandLane {
  readonly #waiting: { readonly key: string; readonly job: () => Promise<void> }[] = [];
  readonly #waitingMax: number;
  readonly #onBug: (thrown: unknown) => void;
  #busy = false;
  #closed = false;

  /** `onBug` is called with what a job throws; the lane continues. */
  constructor(waitingMax: number, onBug: (thrown: unknown) => void) {
    this.#waitingMax = waitingMax;
    this.#onBug = onBug;
  }

  /** True when a job pushed now would start at once. */
  get idle(): boolean {
    return !this.#busy && !this.#closed && this.#waiting.length === 0;
  }

  get full(): boolean {
    return this.#waiting.length >= this.#waitingMax;
  }

  /** Queues a job. Does not enforce the limit, because commands accepted before a restart must fit too. */
  push(key: string, job: () => Promise<void>): void {
    this.#waiting.push({ key, job });
    if (!this.#busy) void this.#drain();
  }

  /** Removes a job that has not started. */
  remove(key: string): void {
    const at = this.#waiting.findIndex((entry) => entry.key === key);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** Starts no more jobs. Does not stop the running one. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next !== undefined && !this.#closed; next = this.#waiting.shift()) {
      try {
        await next.job();
      } catch (thrown) {
        this.#onBug(thrown);
      }
    }
    this.#busy = false;
  }
}
