import type { Timers } from "../../ports/clock.ts";
import { err, type Result } from "../../ports/result.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import { TimeoutError, withDeadline } from "../../runtime/sleep.ts";
import type { SystemError } from "./native.ts";

/** Longest time that most calls may take before the driver counts as hanging. */
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

/**
 * The threads that calls of all drivers share. Several drivers may hang in the same moment, before that shows, so not even calls
 * that are under way may take all of them: one is left to files and databases.
 */
export class CallThreads {
  readonly #busyMax: number;
  readonly #hangingMax: number;
  /** Calls that have not come back. */
  #busy = 0;
  /** Those of them that are overdue. */
  #hanging = 0;
  readonly #waiting: ((taken: boolean) => void)[] = [];

  /** Node's pool has four threads, unless `UV_THREADPOOL_SIZE` says otherwise. */
  constructor(busyMax = 3, hangingMax = 2) {
    this.#busyMax = busyMax;
    this.#hangingMax = hangingMax;
  }

  /** Waits for a thread, which `free` gives back. Resolves to `false` when too many calls hang. */
  take(): Promise<boolean> {
    if (this.#hanging >= this.#hangingMax) return Promise.resolve(false);
    if (this.#busy >= this.#busyMax) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#busy += 1;
    return Promise.resolve(true);
  }

  free(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy -= 1;
    else next(true);
  }

  /** A call is overdue; it keeps its thread. */
  hangs(): void {
    this.#hanging += 1;
    if (this.#hanging < this.#hangingMax) return;
    for (const waiting of this.#waiting.splice(0)) waiting(false);
  }

  /** An overdue call has come back; its thread is given back with `free`. */
  cameBack(): void {
    this.#hanging -= 1;
  }
}

const NODE_POOL = new CallThreads();

/**
 * Calls to one driver (or disk) on threads of Node's pool, one after the other and bounded in time. A call that hangs keeps its thread until the
 * kernel lets it go, so there is never more than one such call: until it has come back, every other call fails with `HANGS`. While
 * several drivers hang, calls to all the others fail with `NO_THREAD`.
 */
export class KernelCalls {
  readonly #timers: Timers;
  readonly #name: string;
  readonly #threads: CallThreads;
  readonly #deadlineMs: number;
  readonly #calls = new OneAtATime();
  #isHanging = false;

  /** `name`: for timers. */
  constructor(timers: Timers, name: string, { threads = NODE_POOL, deadlineMs = CALL_DEADLINE_MS }: { readonly threads?: CallThreads; readonly deadlineMs?: number } = {}) {
    this.#timers = timers;
    this.#name = name;
    this.#threads = threads;
    this.#deadlineMs = deadlineMs;
  }

  run<T>(call: () => Promise<Result<T, SystemError>>): Promise<Result<T, SystemError>> {
    return this.#calls.run(() => this.#bounded(call));
  }

  async #bounded<T>(start: () => Promise<Result<T, SystemError>>): Promise<Result<T, SystemError>> {
    if (this.#isHanging) return err({ name: HANGS });
    if (!(await this.#threads.take())) return err({ name: NO_THREAD });
    const call = start();
    let isOver = false;
    const over = (): void => {
      isOver = true;
      if (this.#isHanging) this.#threads.cameBack();
      this.#isHanging = false;
      this.#threads.free();
    };
    call.then(over, over);
    try {
      return await withDeadline(this.#timers, `kernel.${this.#name}`, this.#deadlineMs, call);
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      if (!isOver) {
        this.#isHanging = true;
        this.#threads.hangs();
      }
      return err({ name: HANGS });
    }
  }
}
