import type { Log } from "../ports/log.ts";
import { stackOf } from "../ports/result.ts";

/** One typed event. Listeners are called in order; one that throws does not stop the others. */
export class Emitter<T> {
  readonly #listeners = new Set<(value: T) => void>();
  readonly #onListenerError: (thrown: unknown) => void;

  /** `onListenerError` gets what a listener throws: a bug there must not break the emitting part. */
  constructor(onListenerError: (thrown: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  /** What a listener throws goes to the log; `of` names the emitting part. */
  static logged<T = void>(log: Pick<Log, "error">, of: string): Emitter<T> {
    return new Emitter((thrown) => log.error({ error: stackOf(thrown) }, `a listener of ${of} threw`));
  }

  /** Adds a listener and returns the function that removes it. */
  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  emit(value: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value);
      } catch (thrown) {
        this.#onListenerError(thrown);
      }
    }
  }
}
