/** Counts calls that have not settled, so that virtual time can wait for real disks. */
export class InFlight {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Wraps an object so that promises returned by its methods are counted until they settle. */
  watch<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (inner, key) => {
        const value: unknown = Reflect.get(inner, key, inner);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => this.#counted((value as (...given: unknown[]) => unknown).apply(inner, args));
      },
    });
  }

  /** Waits until no call is pending and every promise reaction has run. */
  async settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#count > 0);
  }

  #counted(result: unknown): unknown {
    if (!(result instanceof Promise)) return result;
    this.#count += 1;
    void this.#untilSettled(result);
    return result;
  }

  async #untilSettled(work: Promise<unknown>): Promise<void> {
    await Promise.allSettled([work]);
    this.#count -= 1;
  }
}
