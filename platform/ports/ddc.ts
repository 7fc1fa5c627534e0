import type { Result } from "./result.ts";

/**
 * The I2C wires of a video connector (DDC), on which a display is identified and can be configured.
 * Codes: `ddc.no-answer` (nobody acknowledges the address), `display.unplugged` (and no display is on the cable), `ddc.bus`
 * (the bus failed, hangs, or its driver is gone; the message may have been received).
 */
export interface Ddc {
  /** Writes one message. `address` has 7 bits. */
  write(address: number, bytes: Uint8Array): Promise<Result<void>>;
  /** Reads one message of `length` bytes, at most 256. */
  read(address: number, length: number): Promise<Result<Uint8Array>>;
  close(): Promise<void>;
}

/**
 * Opens the wires of an output, or of a device file such as `/dev/i2c-20`; without either, those of the only connected output that has
 * some. Codes: `ddc.no-channel`, `ddc.no-access`, `kernel.no-native`.
 */
export type OpenDdc = (where: { readonly output?: string; readonly connection?: string }) => Promise<Result<Ddc>>;
