import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { Watchdog } from "../ports/host.ts";
import { fail, messageOf, ok, type Result } from "../ports/result.ts";
import { ioctlNumber } from "./kernel/kernel-device.ts";
import { openNative, type Native } from "./kernel/native.ts";
import type { MachineFiles } from "./machine-files.ts";

/** Longest time without feeding. Cards that were busy delayed feeders by tens of seconds, and the machine was reset in good health. */
export const WANTED_TIMEOUT_MS = 60_000;
/** Below this the watchdog is left alone. The Raspberry Pi's has 16 s before Linux 6.8. */
export const SHORTEST_TIMEOUT_MS = 30_000;
const HINTS: Readonly<Record<string, string>> = {
  ENOENT: "this machine has no hardware watchdog, or its driver is not loaded; set watchdog.hardware to false",
  EACCES: "the agent's user may not open it: install the udev rule 60-vitrine.rules, or set watchdog.hardware to false and let systemd feed it (RuntimeWatchdogSec)",
  EBUSY: "another program feeds it, usually systemd: set watchdog.hardware to false, or take it from systemd with ln -s /dev/null /etc/systemd/system.conf.d/50-vitrine.conf and a reboot",
};
/** WDIOC_SETTIMEOUT (linux/watchdog.h), in seconds; the kernel answers with the timeout it set. */
const SET_TIMEOUT = ioctlNumber("both", "W".charCodeAt(0), 6, 4);

/**
 * The kernel's watchdog device. Opening it arms it, so only the first `feed` opens it; writing "V" before
 * closing disarms it (Documentation/watchdog/watchdog-api.rst), unless it is set to `nowayout`.
 */
export class LinuxWatchdog implements Watchdog {
  readonly #path: string;
  readonly #native: () => Result<Native>;
  readonly #canDisarm: boolean;
  #timeoutMs: number;
  #device: FileHandle | undefined;

  /** `timeoutMs`: the timeout before it is opened. `canDisarm`: whether closing it can disarm it. */
  constructor(path: string, timeoutMs: number, native: () => Result<Native> = openNative, canDisarm = true) {
    this.#path = path;
    this.#canDisarm = canDisarm;
    this.#timeoutMs = timeoutMs;
    this.#native = native;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  async feed(): Promise<Result<void>> {
    // It could not be given back: once opened, it would reset the machine at every start of the agent.
    if (!this.#canDisarm && this.#timeoutMs < SHORTEST_TIMEOUT_MS) return this.#tooShort();
    try {
      if (this.#device === undefined) {
        // Not "w", which makes a file where the device is missing: it would be fed for ever and guard nothing.
        this.#device = await open(this.#path, constants.O_WRONLY);
        this.#lengthen(this.#device.fd);
      }
      if (this.#timeoutMs < SHORTEST_TIMEOUT_MS) return await this.#giveBack();
      await this.#device.write("1");
      return ok(undefined);
    } catch (thrown) {
      // Missing, busy (held by systemd) or refused: the caller must know that there is no watchdog.
      const hint = HINTS[(thrown as NodeJS.ErrnoException).code ?? ""];
      return fail("watchdog.unavailable", `${this.#path}: ${messageOf(thrown)}`, hint);
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

  /** A device that cannot do it keeps its own timeout. */
  #lengthen(fd: number): void {
    if (this.#timeoutMs >= WANTED_TIMEOUT_MS) return;
    const native = this.#native();
    if (!native.ok) return;
    const seconds = Int32Array.of(WANTED_TIMEOUT_MS / 1_000);
    const set = native.value.ioctlNow(fd, SET_TIMEOUT, new Uint8Array(seconds.buffer));
    if (set.ok) this.#timeoutMs = (seconds[0] ?? 0) * 1_000;
  }

  async #giveBack(): Promise<Result<void>> {
    await this.close();
    return this.#tooShort();
  }

  #tooShort(): Result<never> {
    const seconds = this.#timeoutMs / 1_000;
    return fail("watchdog.too-short", `${this.#path} would reset the machine after ${seconds} s, in which a busy card may delay a healthy agent`, "set watchdog.hardware to false and let systemd feed it: RuntimeWatchdogSec=15 in system.conf");
  }
}

/** The timeout of the device in milliseconds; systems without the sysfs entry use the kernel's default of 60 s. */
export function watchdogTimeoutMs(files: MachineFiles): number {
  const read = files.text("sys/class/watchdog/watchdog0/timeout");
  const seconds = read.ok ? Number(read.value) : Number.NaN;
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 60_000;
}

/** Whether closing the device can disarm it: not with `nowayout`, a setting of kernels and drivers. */
export function watchdogCanDisarm(files: MachineFiles): boolean {
  const read = files.text("sys/class/watchdog/watchdog0/nowayout");
  return !read.ok || read.value !== "1";
}
