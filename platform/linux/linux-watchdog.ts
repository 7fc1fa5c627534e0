import { open, type FileHandle } from "node:fs/promises";
import type { Watchdog } from "../ports/host.ts";
import { fail, messageOf, ok, type Result } from "../ports/result.ts";
import type { MachineFiles } from "./machine-files.ts";

/**
 * The kernel's watchdog device. Opening it arms it, so only the first `feed` opens it; writing "V" before
 * closing disarms it (Documentation/watchdog/watchdog-api.rst), unless the kernel was built with `nowayout`.
 */
export class LinuxWatchdog implements Watchdog {
  readonly timeoutMs: number;
  readonly #path: string;
  #device: FileHandle | undefined;

  constructor(path: string, timeoutMs: number) {
    this.#path = path;
    this.timeoutMs = timeoutMs;
  }

  async feed(): Promise<Result<void>> {
    try {
      this.#device ??= await open(this.#path, "w");
      await this.#device.write("1");
      return ok(undefined);
    } catch (thrown) {
      // Missing, busy (held by systemd) or refused: the caller must know that there is no watchdog.
      return fail("watchdog.unavailable", `${this.#path}: ${messageOf(thrown)}`, "is another program, such as systemd, feeding it?");
    }
  }

  async close(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    if (device === undefined) return;
    try {
      await device.write("V");
    } finally {
      await device.close();
    }
  }
}

/** The timeout of the device in milliseconds; systems without the sysfs entry use the kernel's default of 60 s. */
export function watchdogTimeoutMs(files: MachineFiles): number {
  const read = files.text("sys/class/watchdog/watchdog0/timeout");
  const seconds = read.ok ? Number(read.value) : Number.NaN;
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 60_000;
}
