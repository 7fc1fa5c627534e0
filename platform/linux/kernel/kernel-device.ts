import { constants } from "node:fs";
import { open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Timers } from "../../ports/clock.ts";
import { err, type Result } from "../../ports/result.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import { TimeoutError, withDeadline } from "../../runtime/sleep.ts";
import type { Native, SystemError } from "./native.ts";

/** Longest time a call may take before the driver counts as hanging. */
export const CALL_DEADLINE_MS = 2_000;

/** Not from the kernel: the driver did not come back in time. */
export const HANGS = "EHANG";

export interface KernelDeviceOptions {
  /** For messages and timers. */
  readonly name: string;
  /** The driver only touches registers, so its calls are made at once: 20 times faster than on another thread. */
  readonly neverBlocks?: boolean;
}

/**
 * Calls to one driver, one after the other and bounded in time. A call that hangs keeps its thread until the kernel lets it
 * go, so there is never more than one such call: until it has come back, every other call fails with `HANGS`.
 */
export class KernelDevice {
  readonly #native: Native;
  readonly #timers: Timers;
  readonly #options: KernelDeviceOptions;
  readonly #calls = new OneAtATime();
  #isHanging = false;

  constructor(native: Native, timers: Timers, options: KernelDeviceOptions) {
    this.#native = native;
    this.#timers = timers;
    this.#options = options;
  }

  async ioctl(fd: number, request: number, argument: Uint8Array): Promise<Result<number, SystemError>> {
    if (this.#options.neverBlocks === true) return this.#native.ioctlNow(fd, request, argument);
    return this.#calls.run(() => this.#onThread(fd, request, argument));
  }

  async #onThread(fd: number, request: number, argument: Uint8Array): Promise<Result<number, SystemError>> {
    if (this.#isHanging) return err({ name: HANGS });
    const call = this.#native.ioctl(fd, request, argument);
    try {
      return await withDeadline(this.#timers, `kernel.${this.#options.name}`, CALL_DEADLINE_MS, call);
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      this.#isHanging = true;
      const back = (): void => void (this.#isHanging = false);
      call.then(back, back);
      return err({ name: HANGS });
    }
  }

  ioctlNow(...args: Parameters<Native["ioctlNow"]>): Result<number, SystemError> {
    return this.#native.ioctlNow(...args);
  }

  address(bytes: Uint8Array): bigint {
    return this.#native.address(bytes);
  }

  poll(...args: Parameters<Native["poll"]>): ReturnType<Native["poll"]> {
    return this.#native.poll(...args);
  }
}

/** Paths of the device files in `devDir` whose whole name matches, in the order of their names. */
export async function deviceFiles(devDir: string, name: RegExp): Promise<readonly string[]> {
  const names = await readdir(devDir).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return [];
    throw thrown;
  });
  return names.filter((each) => name.test(each)).sort().map((each) => join(devDir, each));
}

/** Opens a device file for reading, writing and calls, without blocking. */
export async function openDevice(path: string): Promise<Result<FileHandle, SystemError>> {
  try {
    return { ok: true, value: await open(path, constants.O_RDWR | constants.O_NONBLOCK) };
  } catch (thrown) {
    return err({ name: (thrown as NodeJS.ErrnoException).code ?? "EIO" });
  }
}

/** The number of an ioctl, as the macros of asm-generic/ioctl.h compute it. */
export function ioctlNumber(direction: "none" | "write" | "read" | "both", type: number, index: number, size: number): number {
  const bits = { none: 0, write: 1, read: 2, both: 3 }[direction];
  return ((bits << 30) | (size << 16) | (type << 8) | index) >>> 0;
}
