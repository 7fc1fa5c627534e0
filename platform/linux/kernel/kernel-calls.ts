import type { Timers } from "../../ports/clock.ts";
import { err, type Result } from "../../ports/result.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import { TimeoutError, withDeadline } from "../../runtime/sleep.ts";
import type { SystemError } from "./native.ts";

/** Longest time a call may take before the driver counts as hanging. */
export const CALL_DEADLINE_MS = 2_000;

/** Not from the kernel: the driver did not come back in time. */
export const HANGS = "EHANG";

/**
 * Calls to one driver on threads of Node's pool, one after the other and bounded in time. A call that hangs keeps its thread until the
 * kernel lets it go, so there is never more than one such call: until it has come back, every other call fails with `HANGS`.
 */
export class KernelCalls {
  readonly #timers: Timers;
  readonly #name: string;
  readonly #calls = new OneAtATime();
  #isHanging = false;

  /** `name`: for timers. */
  constructor(timers: Timers, name: string) {
    this.#timers = timers;
    this.#name = name;
  }

  run<T>(call: () => Promise<Result<T, SystemError>>): Promise<Result<T, SystemError>> {
    return this.#calls.run(() => this.#bounded(call));
  }

  async #bounded<T>(start: () => Promise<Result<T, SystemError>>): Promise<Result<T, SystemError>> {
    if (this.#isHanging) return err({ name: HANGS });
    const call = start();
    try {
      return await withDeadline(this.#timers, `kernel.${this.#name}`, CALL_DEADLINE_MS, call);
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      this.#isHanging = true;
      const back = (): void => void (this.#isHanging = false);
      call.then(back, back);
      return err({ name: HANGS });
    }
  }
}
