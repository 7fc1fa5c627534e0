/** Runs work in the order it was asked for, each only when the one before has settled. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as `work` does. A failure does not stop what waits behind it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => {
      // Whoever asked for this work has `mine` and its rejection; the queue only needs to go on.
    });
    return mine;
  }

  /** Resolves once all work that was asked for by now has settled. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
