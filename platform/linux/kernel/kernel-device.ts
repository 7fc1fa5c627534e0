import { constants } from "node:fs";
import { open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Timers } from "../../ports/clock.ts";
import { err, type Result } from "../../ports/result.ts";
import { KernelCalls } from "./kernel-calls.ts";
import type { Native, SystemError } from "./native.ts";

export { CALL_DEADLINE_MS, HANGS, withoutAnswer } from "./kernel-calls.ts";

export interface KernelDeviceOptions {
  /** For messages and timers. */
  readonly name: string;
  /** The driver only touches registers, so its calls are made at once: 20 times faster than on another thread. */
  readonly neverBlocks?: boolean;
}

/** Calls to one driver through one or more of its device files; see `KernelCalls`. */
export class KernelDevice {
  readonly #native: Native;
  readonly #neverBlocks: boolean;
  readonly #calls: KernelCalls;

  constructor(native: Native, timers: Timers, { name, neverBlocks = false }: KernelDeviceOptions) {
    this.#native = native;
    this.#neverBlocks = neverBlocks;
    this.#calls = new KernelCalls(timers, name);
  }

  async ioctl(fd: number, request: number, argument: Uint8Array): Promise<Result<number, SystemError>> {
    if (this.#neverBlocks) return this.#native.ioctlNow(fd, request, argument);
    return this.#calls.run(() => this.#native.ioctl(fd, request, argument));
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
