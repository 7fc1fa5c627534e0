import { ioctlNumber } from "../kernel/kernel-device.ts";

/** The kernel's CEC interface (include/uapi/linux/cec.h). Numbers are in host order, little-endian on every supported machine. */

export const CEC_CALL = {
  caps: ioctlNumber("both", 0x61, 0, 76),
  physicalAddress: ioctlNumber("read", 0x61, 1, 2),
  logicalAddresses: ioctlNumber("read", 0x61, 3, 92),
  claim: ioctlNumber("both", 0x61, 4, 92),
  transmit: ioctlNumber("both", 0x61, 5, 56),
  receive: ioctlNumber("both", 0x61, 6, 56),
  event: ioctlNumber("both", 0x61, 7, 80),
  setMode: ioctlNumber("write", 0x61, 9, 4),
  connector: ioctlNumber("read", 0x61, 10, 68),
} as const;

/** Sends messages, and receives those that the kernel does not answer itself. Needs no privilege, unlike monitoring. */
export const INITIATOR_AND_FOLLOWER = 0x11;

/** No physical address: no display on the cable. */
export const NO_PHYSICAL_ADDRESS = 0xffff;
export const UNREGISTERED = 15;

const TX = { ok: 0x01, nack: 0x04 } as const;
const RX = { ok: 0x01, timeout: 0x02, featureAbort: 0x04 } as const;

export interface Addresses {
  /** The first claimed logical address; `undefined` while none is claimed. */
  readonly logical: number | undefined;
  /** Somebody asked for logical addresses; the kernel claims them again after every change of the cable. */
  readonly configured: boolean;
}

export function decodeAddresses(bytes: Buffer): Addresses {
  const logical = bytes.readUInt8(0);
  const configured = bytes.readUInt8(7) > 0;
  return { logical: configured && logical <= UNREGISTERED ? logical : undefined, configured };
}

const OSD_NAME_BYTES_MAX = 14;

/** Asks for one logical address of a playback device (CEC 1.4), falling back to Unregistered where all are taken. */
export function encodeClaim(osdName: string): Buffer {
  const bytes = Buffer.alloc(92);
  bytes.writeUInt8(5, 6);
  bytes.writeUInt8(1, 7);
  bytes.writeUInt32LE(0xffffffff, 8);
  bytes.writeUInt32LE(1, 12);
  // CEC 13.15.1: the name is ASCII.
  bytes.write(osdName.replaceAll(/[^ -~]/g, "?").slice(0, OSD_NAME_BYTES_MAX), 16, "latin1");
  bytes.writeUInt8(4, 31);
  bytes.writeUInt8(3, 35);
  bytes.writeUInt8(0x10, 39);
  return bytes;
}

export interface Frame {
  readonly initiator: number;
  readonly destination: number;
  readonly opcode?: number;
  readonly operands: Uint8Array;
}

/**
 * A frame to send. With `timeoutMs` the kernel waits for `reply`; Feature Abort (0) as reply means that only a refusal is waited for.
 */
export function encodeTransmit({ initiator, destination, opcode, operands }: Frame, reply: number, timeoutMs: number): Buffer {
  const bytes = Buffer.alloc(56);
  const frame = [(initiator << 4) | destination, ...(opcode === undefined ? [] : [opcode, ...operands])];
  bytes.writeUInt32LE(frame.length, 16);
  bytes.writeUInt32LE(timeoutMs, 20);
  bytes.set(frame, 32);
  bytes.writeUInt8(reply, 48);
  return bytes;
}

export interface ReceivedFrame {
  /** The number of our transmission that this is the result of; 0 for a frame of somebody else. */
  readonly sequence: number;
  readonly frame: Frame;
  readonly sent: "acknowledged" | "not-acknowledged" | "failed";
  /** A reply came: `frame` is that reply. */
  readonly replied: boolean;
}

export function sequenceOf(transmit: Buffer): number {
  return transmit.readUInt32LE(24);
}

export function decodeReceived(bytes: Buffer): ReceivedFrame {
  const length = Math.min(bytes.readUInt32LE(16), 16);
  const [header = 0, opcode, ...operands] = bytes.subarray(32, 32 + length);
  const [received, status] = [bytes.readUInt8(49), bytes.readUInt8(50)];
  // A transmission that got no reply in time has no transmit status (seen on Linux 6.1), but only one that was acknowledged is waited for.
  const waited = (received & (RX.ok | RX.timeout | RX.featureAbort)) !== 0;
  return {
    sequence: sequenceOf(bytes),
    frame: { initiator: header >> 4, destination: header & 15, ...(opcode !== undefined && { opcode }), operands: Uint8Array.from(operands) },
    sent: (status & TX.ok) !== 0 || waited ? "acknowledged" : (status & TX.nack) !== 0 ? "not-acknowledged" : "failed",
    replied: (received & (RX.ok | RX.featureAbort)) !== 0,
  };
}

/** The DRM connector that an adapter belongs to: card number and connector id. `undefined` where the driver does not say. */
export function decodeConnector(bytes: Buffer): { readonly card: number; readonly connector: number } | undefined {
  return bytes.readUInt32LE(0) === 1 ? { card: bytes.readUInt32LE(4), connector: bytes.readUInt32LE(8) } : undefined;
}
