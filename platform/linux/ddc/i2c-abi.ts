/**
 * The kernel's interface to I2C buses, /dev/i2c-N (include/uapi/linux/i2c-dev.h and i2c.h), on 64-bit machines. Its call numbers are
 * older than the scheme of `ioctlNumber`.
 */

/** Transfers messages as one transaction. Unlike a plain read and write it leaves an address alone that a driver uses. */
export const I2C_TRANSFER = 0x0707;

const READS = 0x0001;
const HEADER_BYTES = 32;

export interface I2cTransfer {
  /** Argument of the call: the list of messages, its only message, and that message's bytes. */
  readonly argument: Buffer;
  /** The bytes in it; after a read, what was received. */
  readonly data: Buffer;
}

/** One message to or from a device. `addressOf` says where the bytes are in memory, which the argument has to contain. */
export function encodeTransfer(address: number, content: { readonly write: Uint8Array } | { readonly readBytes: number }, addressOf: (bytes: Uint8Array) => bigint): I2cTransfer {
  const length = "write" in content ? content.write.length : content.readBytes;
  const argument = Buffer.alloc(HEADER_BYTES + length);
  const start = addressOf(argument);
  argument.writeBigUInt64LE(start + 16n, 0);
  argument.writeUInt32LE(1, 8);
  argument.writeUInt16LE(address, 16);
  argument.writeUInt16LE("write" in content ? 0 : READS, 18);
  argument.writeUInt16LE(length, 20);
  argument.writeBigUInt64LE(start + BigInt(HEADER_BYTES), 24);
  const data = argument.subarray(HEADER_BYTES);
  if ("write" in content) data.set(content.write);
  return { argument, data };
}
