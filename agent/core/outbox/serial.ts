/** Runs one piece of work after the other, in the order in which they were asked for. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    // Whether the one before failed is its own caller's business.
    const done = this.#last.then(work, work);
    this.#last = done;
    return done;
  }
}
