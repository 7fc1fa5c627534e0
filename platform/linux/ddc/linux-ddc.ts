import type { FileHandle } from "node:fs/promises";
import type { Ddc } from "../../ports/ddc.ts";
import { fail, ok, type Result } from "../../ports/result.ts";
import { withoutAnswer, type KernelDevice } from "../kernel/kernel-device.ts";
import { encodeTransfer, I2C_TRANSFER } from "./i2c-abi.ts";

/** What kernel drivers say where nobody acknowledges the address: ENXIO by the kernel's rules, the others by habit. */
const NOT_ACKNOWLEDGED: ReadonlySet<string> = new Set(["ENXIO", "EREMOTEIO", "EIO"]);
const BYTES_MAX = 256;

export interface LinuxDdcDeps {
  /** The open bus, /dev/i2c-N. Closed by `close`. */
  readonly bus: FileHandle;
  readonly path: string;
  /** Shared by all buses, so that one thread at most is lost to a bus that hangs. */
  readonly device: KernelDevice;
  /** Whether a display is on the cable; `undefined` if the kernel does not say. */
  readonly isPlugged: () => boolean | undefined;
}

/** The I2C wires of one output through the kernel. */
export class LinuxDdc implements Ddc {
  readonly #deps: LinuxDdcDeps;

  constructor(deps: LinuxDdcDeps) {
    this.#deps = deps;
  }

  async write(address: number, bytes: Uint8Array): Promise<Result<void>> {
    const sent = await this.#transfer(address, { write: bytes });
    return sent.ok ? ok(undefined) : sent;
  }

  read(address: number, length: number): Promise<Result<Uint8Array>> {
    return this.#transfer(address, { readBytes: Math.min(length, BYTES_MAX) });
  }

  async close(): Promise<void> {
    await this.#deps.bus.close();
  }

  async #transfer(address: number, content: Parameters<typeof encodeTransfer>[1]): Promise<Result<Uint8Array>> {
    const { bus, device, path, isPlugged } = this.#deps;
    const { argument, data } = encodeTransfer(address, content, (bytes) => device.address(bytes));
    const done = await device.ioctl(bus.fd, I2C_TRANSFER, argument);
    if (done.ok) return ok(Uint8Array.from(data));
    const { name } = done.error;
    if (isPlugged() === false) return fail("display.unplugged", "there is no display on the cable", "check the cable");
    if (NOT_ACKNOWLEDGED.has(name)) return fail("ddc.no-answer", `nothing on ${path} acknowledges the address 0x${address.toString(16)} (${name})`);
    const silence = withoutAnswer(done.error);
    return fail("ddc.bus", silence === undefined ? `${path} answered ${name}` : `the driver of ${path} and the other I2C buses ${silence}`);
  }
}
