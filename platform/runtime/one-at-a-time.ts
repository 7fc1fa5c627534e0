/** Queue that runs work in order, each item after the previous one has settled. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as `work` does. A failure does not stop later work. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => {
      // The caller gets the rejection through `mine`; the queue just continues.
    });
    return mine;
  }

  /** Resolves once all work queued so far has settled. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
