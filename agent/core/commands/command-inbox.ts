/** Bounded queue of incoming messages, processed one at a time in order of arrival. */
export class CommandInbox<T> {
  readonly #waiting: T[] = [];
  readonly #waitingMax: number;
  #wake: () => void = () => {};

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /** Returns false when there is no room. */
  push(incoming: T): boolean {
    if (this.#waiting.length >= this.#waitingMax) return false;
    this.#waiting.push(incoming);
    this.#wake();
    return true;
  }

  /** Passes each message to `take` until `signal` aborts. The rest stays for the next reader. */
  async read(signal: AbortSignal, take: (incoming: T) => Promise<void>): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const incoming = this.#waiting.shift();
      if (incoming !== undefined) await take(incoming);
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
