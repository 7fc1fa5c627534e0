import type { Timers } from "../../ports/clock.ts";
import { err, type Result } from "../../ports/result.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import { TimeoutError, withDeadline } from "../../runtime/sleep.ts";
import type { SystemError } from "./native.ts";

/** Longest time a call may take before the driver counts as hanging. */
export const CALL_DEADLINE_MS = 2_000;

/** Not from the kernel: the driver did not come back in time. */
export const HANGS = "EHANG";

/** Not from the kernel: too many drivers hang for another call to be tried. */
export const NO_THREAD = "ENOTHREAD";

/** What a driver did, to follow its name in a message; `undefined` for an error of the kernel. */
export function withoutAnswer({ name }: SystemError): string | undefined {
  if (name === HANGS) return "has not answered an earlier call yet";
  return name === NO_THREAD ? "was not asked, because other drivers hang" : undefined;
}

/** The threads that calls of all drivers share. Hanging calls must leave some for files and databases. */
export interface CallThreads {
  /** Calls that have not come back. */
  hanging: number;
  readonly hangingMax: number;
}

/** Node's pool has four threads, unless `UV_THREADPOOL_SIZE` says otherwise. */
const NODE_POOL: CallThreads = { hanging: 0, hangingMax: 2 };

/**
 * Calls to one driver on threads of Node's pool, one after the other and bounded in time. A call that hangs keeps its thread until the
 * kernel lets it go, so there is never more than one such call: until it has come back, every other call fails with `HANGS`. While
 * several drivers hang, calls to all the others fail with `NO_THREAD`.
 */
export class KernelCalls {
  readonly #timers: Timers;
  readonly #name: string;
  readonly #threads: CallThreads;
  readonly #calls = new OneAtATime();
  #isHanging = false;

  /** `name`: for timers. */
  constructor(timers: Timers, name: string, threads: CallThreads = NODE_POOL) {
    this.#timers = timers;
    this.#name = name;
    this.#threads = threads;
  }

  run<T>(call: () => Promise<Result<T, SystemError>>): Promise<Result<T, SystemError>> {
    return this.#calls.run(() => this.#bounded(call));
  }

  async #bounded<T>(start: () => Promise<Result<T, SystemError>>): Promise<Result<T, SystemError>> {
    if (this.#isHanging) return err({ name: HANGS });
    if (this.#threads.hanging >= this.#threads.hangingMax) return err({ name: NO_THREAD });
    const call = start();
    try {
      return await withDeadline(this.#timers, `kernel.${this.#name}`, CALL_DEADLINE_MS, call);
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      this.#isHanging = true;
      this.#threads.hanging += 1;
      const back = (): void => {
        this.#isHanging = false;
        this.#threads.hanging -= 1;
      };
      call.then(back, back);
      return err({ name: HANGS });
    }
  }
}
