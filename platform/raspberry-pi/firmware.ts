import type { Clock, Timers } from "../ports/clock.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../ports/reading.ts";
import { ioctlNumber, KernelDevice, openDevice } from "../linux/kernel/kernel-device.ts";
import { openNative, type Native } from "../linux/kernel/native.ts";
import type { FirmwareState } from "../linux/linux-probe.ts";
import type { MachineFiles } from "../linux/machine-files.ts";
import type { Result } from "../ports/result.ts";

/** Bits of GET_THROTTLED that say what is the case now; 16 higher are those of the past, which the kernel's hwmon driver clears every 2 s. */
const UNDERVOLTAGE = 1 << 0;
const FREQUENCY_CAPPED = 1 << 1;
const THROTTLED = 1 << 2;
const SOFT_LIMIT = 1 << 3;

const DRIVER = "sys/bus/platform/drivers/raspberrypi-firmware";
/** _IOWR(100, 0, char *) of Raspberry Pi's own kernel (drivers/char/broadcom/vcio.c); the size is that of a pointer. */
const MAILBOX_PROPERTY = ioctlNumber("both", 100, 0, 8);
/** include/soc/bcm2835/raspberrypi-firmware.h: RPI_FIRMWARE_GET_THROTTLED and RPI_FIRMWARE_STATUS_SUCCESS. */
const GET_THROTTLED = 0x0003_0046;
const SUCCESS = 0x8000_0000;

export interface FirmwareDeps {
  readonly files: MachineFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Default: /dev/vcio, which the group `video` may use on Raspberry Pi OS. */
  readonly mailboxPath?: string;
  /** Default: `openNative`. */
  readonly native?: () => Result<Native>;
}

/**
 * The firmware's throttled state: from sysfs where the kernel has it, else through the mailbox device. Both belong to
 * Raspberry Pi's own kernel; Debian's has neither, and the state is `unsupported` there.
 */
export function firmwareState({ files, clock, timers, mailboxPath = "/dev/vcio", native = openNative }: FirmwareDeps): () => Promise<Reading<FirmwareState>> {
  const sysfs = files.names(DRIVER).map((device) => `${DRIVER}/${device}/get_throttled`).find((path) => files.has(path));
  let mailbox: Mailbox | undefined;
  return async () => {
    if (sysfs !== undefined) {
      const read = files.text(sysfs);
      if (!read.ok) return failed(read.error);
      // Printed in hexadecimal, without 0x.
      return /^[0-9a-f]+$/i.test(read.value) ? seen(stateOf(Number.parseInt(read.value, 16)), clock.monotonicMs()) : unknown(`/${sysfs} is not in the form this software knows`);
    }
    mailbox ??= new Mailbox(mailboxPath, timers, native);
    const bits = await mailbox.throttled();
    return bits.kind === "ok" ? seen(stateOf(bits.value), clock.monotonicMs()) : bits;
  };
}

function stateOf(bits: number): FirmwareState {
  const has = (bit: number): boolean => (bits & bit) !== 0;
  return { undervoltage: has(UNDERVOLTAGE), frequencyCapped: has(FREQUENCY_CAPPED), throttled: has(THROTTLED), hot: has(SOFT_LIMIT) };
}

class Mailbox {
  readonly #path: string;
  readonly #timers: Timers;
  readonly #native: () => Result<Native>;
  /** The driver waits for the firmware, so a call can hang; kept between calls, which it must not repeat meanwhile. */
  #device: KernelDevice | undefined;

  constructor(path: string, timers: Timers, native: () => Result<Native>) {
    this.#path = path;
    this.#timers = timers;
    this.#native = native;
  }

  /** Opened for each call, a few times a minute: nothing needs the file to stay open. */
  async throttled(): Promise<Reading<number>> {
    const opened = await openDevice(this.#path);
    if (!opened.ok) {
      if (opened.error.name === "ENOENT") return UNSUPPORTED;
      return failed({ code: "firmware.no-access", message: `${this.#path}: ${opened.error.name}`, hint: "add the agent's user to the group video" });
    }
    try {
      return await this.#ask(opened.value.fd);
    } finally {
      await opened.value.close();
    }
  }

  async #ask(fd: number): Promise<Reading<number>> {
    if (this.#device === undefined) {
      const native = this.#native();
      if (!native.ok) return failed(native.error);
      this.#device = new KernelDevice(native.value, this.#timers, { name: "firmware" });
    }
    // Length, request, tag, its value's size twice, value 0 (clear nothing), end.
    const message = new Uint32Array([28, 0, GET_THROTTLED, 4, 4, 0, 0]);
    const asked = await this.#device.ioctl(fd, MAILBOX_PROPERTY, new Uint8Array(message.buffer));
    if (!asked.ok) return failed({ code: "firmware.no-answer", message: `${this.#path}: ${asked.error.name}` });
    return message[1] === SUCCESS ? seen(message[5] ?? 0, 0) : unknown("the firmware does not report throttling");
  }
}
