/**
 * One lane: jobs run one after the other, in order of arrival. The lane moves on when a job's promise settles, so a job
 * can let go of the lane while its executor still hangs.
 */
export class CommandLane {
  readonly #waiting: { readonly key: string; readonly job: () => Promise<void> }[] = [];
  readonly #waitingMax: number;
  readonly #onBug: (thrown: unknown) => void;
  #busy = false;
  #closed = false;

  /** `onBug` gets what a job throws; the lane goes on. */
  constructor(waitingMax: number, onBug: (thrown: unknown) => void) {
    this.#waitingMax = waitingMax;
    this.#onBug = onBug;
  }

  /** What is pushed now begins at once. */
  get idle(): boolean {
    return !this.#busy && !this.#closed && this.#waiting.length === 0;
  }

  get full(): boolean {
    return this.#waiting.length >= this.#waitingMax;
  }

  /** Queues a job; beyond the limit too, for what was accepted before a restart. */
  push(key: string, job: () => Promise<void>): void {
    this.#waiting.push({ key, job });
    if (!this.#busy) void this.#drain();
  }

  /** Takes a job out that has not started. */
  remove(key: string): void {
    const at = this.#waiting.findIndex((entry) => entry.key === key);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  /** Nothing new starts. The running job is its owner's business. */
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
