import { err, ok, type Result } from "../../ports/result.ts";

/**
 * The messages of VESA DDC/CI 1.1: a source address, a length with bit 7 set, the payload and a check sum, which is the
 * exclusive or of everything including the address of the receiver.
 */

/** I2C address of the display, 7 bits. */
export const DISPLAY_ADDRESS = 0x37;

const TO_DISPLAY = 0x6e;
const FROM_HOST = 0x51;
const FROM_DISPLAY = 0x6e;
/** The host's address as the display counts it in a check sum, though the host is the bus master and has none. */
const TO_HOST = 0x50;
const LENGTH_FLAG = 0x80;

const OPCODE = { getFeature: 0x01, featureReply: 0x02, setFeature: 0x03, capabilities: 0xf3, capabilitiesReply: 0xe3 } as const;

/** Bytes to read for one answer. A display that has less to say fills up with anything. */
export const FEATURE_REPLY_BYTES = 11;
export const CAPABILITIES_REPLY_BYTES = 38;

/** Asks for one feature (a VCP code, 0 to 255). The bytes follow the display's address. */
export function encodeGet(feature: number): Uint8Array {
  return frame(OPCODE.getFeature, feature);
}

/** Sets one feature to a value from 0 to 65535. Displays do not answer. */
export function encodeSet(feature: number, value: number): Uint8Array {
  return frame(OPCODE.setFeature, feature, value >> 8, value & 0xff);
}

/** Asks for the part of the capabilities text that begins at `offset`. */
export function encodeCapabilities(offset: number): Uint8Array {
  return frame(OPCODE.capabilities, offset >> 8, offset & 0xff);
}

function frame(...payload: readonly number[]): Uint8Array {
  const bytes = [FROM_HOST, LENGTH_FLAG | payload.length, ...payload];
  return Uint8Array.from([...bytes, checksum(TO_DISPLAY, bytes)]);
}

export type FeatureReply =
  /** `max` is the largest value of a level; of a choice it means nothing. */
  | { readonly kind: "value"; readonly value: number; readonly max: number }
  /** The display does not have the feature. */
  | { readonly kind: "unsupported" };

/**
 * Why bytes are not the answer. `null`: the display has no answer now, or misuses this for a feature that it does not have;
 * `garbage`: not a message, or a wrong check sum; `other`: a message about something else, such as a late answer.
 */
export type Fault = "null" | "garbage" | "other";

/** The answer to `encodeGet(feature)`. */
export function decodeFeature(bytes: Uint8Array, feature: number): Result<FeatureReply, Fault> {
  const payload = decodeFrame(bytes);
  if (!payload.ok) return payload;
  const [opcode, result = -1, code, , maxHigh = 0, maxLow = 0, high = 0, low = 0] = payload.value;
  if (opcode !== OPCODE.featureReply || payload.value.length !== 8 || code !== feature) return err("other");
  if (result === 1) return ok({ kind: "unsupported" });
  if (result !== 0) return err("garbage");
  return ok({ kind: "value", value: (high << 8) | low, max: (maxHigh << 8) | maxLow });
}

/** The answer to `encodeCapabilities(offset)`: a part of the text, up to 32 letters; empty at its end. */
export function decodeCapabilities(bytes: Uint8Array, offset: number): Result<string, Fault> {
  const payload = decodeFrame(bytes);
  if (!payload.ok) return payload;
  const [opcode, high = 0, low = 0, ...text] = payload.value;
  if (opcode !== OPCODE.capabilitiesReply || payload.value.length < 3 || ((high << 8) | low) !== offset) return err("other");
  return ok(String.fromCharCode(...text));
}

function decodeFrame(bytes: Uint8Array): Result<Uint8Array, Fault> {
  const [source, lengthByte = 0] = bytes;
  const length = lengthByte & ~LENGTH_FLAG;
  const end = 2 + length;
  if (source !== FROM_DISPLAY || (lengthByte & LENGTH_FLAG) === 0 || end >= bytes.length) return err("garbage");
  if (checksum(TO_HOST, bytes.subarray(0, end)) !== bytes[end]) return err("garbage");
  return length === 0 ? err("null") : ok(bytes.subarray(2, end));
}

function checksum(receiver: number, bytes: Iterable<number>): number {
  let sum = receiver;
  for (const byte of bytes) sum ^= byte;
  return sum;
}
