import { ioctlNumber } from "../kernel/kernel-device.ts";

/** The kernel's GPIO character device, version 2 (include/uapi/linux/gpio.h, since Linux 5.10). All numbers are in host order, which is little-endian on every supported machine. */

export const GPIO_CALL = {
  chipInfo: ioctlNumber("read", 0xb4, 0x01, 68),
  lineInfo: ioctlNumber("both", 0xb4, 0x05, 256),
  requestLine: ioctlNumber("both", 0xb4, 0x07, 592),
  setConfig: ioctlNumber("both", 0xb4, 0x0d, 272),
  getValues: ioctlNumber("both", 0xb4, 0x0e, 16),
  setValues: ioctlNumber("both", 0xb4, 0x0f, 16),
} as const;

export const LINE_FLAG = {
  used: 1 << 0,
  activeLow: 1 << 1,
  input: 1 << 2,
  output: 1 << 3,
  risingEdge: 1 << 4,
  fallingEdge: 1 << 5,
  openDrain: 1 << 6,
  openSource: 1 << 7,
  pullUp: 1 << 8,
  pullDown: 1 << 9,
  noPull: 1 << 10,
} as const;

/** GPIO_MAX_NAME_SIZE, including the closing zero. */
const NAME_BYTES = 32;
const NAME_BYTES_MAX = NAME_BYTES - 1;

export interface ChipInfo {
  readonly name: string;
  /** The driver's name for the chip, such as `pinctrl-bcm2835`. Unlike the chip's number it does not move. */
  readonly label: string;
  readonly lines: number;
}

export function decodeChipInfo(bytes: Buffer): ChipInfo {
  return { name: text(bytes, 0), label: text(bytes, 32), lines: bytes.readUInt32LE(64) };
}

export interface LineInfo {
  /** The board's name for the line; empty if it has none. */
  readonly name: string;
  /** Who holds the line; empty if nobody does. */
  readonly consumer: string;
  readonly offset: number;
  /** Bits of `LINE_FLAG`. */
  readonly flags: number;
}

export function encodeLineInfo(offset: number): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.writeUInt32LE(offset, 64);
  return bytes;
}

export function decodeLineInfo(bytes: Buffer): LineInfo {
  return { name: text(bytes, 0), consumer: text(bytes, 32), offset: bytes.readUInt32LE(64), flags: Number(bytes.readBigUInt64LE(72)) };
}

export interface LineRequest extends LineConfig {
  readonly offset: number;
  readonly consumer: string;
}

export interface LineConfig {
  /** Bits of `LINE_FLAG`. */
  readonly flags: number;
  /** The level an output starts with, so that it never passes through another one. */
  readonly level?: 0 | 1;
  /** The kernel reports an edge once the level has held for this long. */
  readonly debounceUs?: number;
}

const CONFIG = { bytes: 272, flags: 0, attributeCount: 8, attributes: 32 } as const;
const REQUEST = { consumer: 256, config: 288, lineCount: 560, eventBuffer: 564, fd: 588 } as const;
const ATTRIBUTE = { bytes: 24, values: 2, debounce: 3 } as const;
/** Edges the kernel keeps while the agent is busy; it drops the oldest beyond that. */
const EVENT_BUFFER = 64;

export function encodeLineRequest({ offset, consumer, ...config }: LineRequest): Buffer {
  const bytes = Buffer.alloc(592);
  bytes.writeUInt32LE(offset, 0);
  shortName(consumer).copy(bytes, REQUEST.consumer);
  encodeLineConfig(config).copy(bytes, REQUEST.config);
  bytes.writeUInt32LE(1, REQUEST.lineCount);
  bytes.writeUInt32LE(EVENT_BUFFER, REQUEST.eventBuffer);
  return bytes;
}

/** Another use of a line that is held already. */
export function encodeLineConfig({ flags, level, debounceUs }: LineConfig): Buffer {
  const bytes = Buffer.alloc(CONFIG.bytes);
  bytes.writeBigUInt64LE(BigInt(flags), CONFIG.flags);
  const attributes: { readonly id: number; readonly value: bigint }[] = [];
  if (level !== undefined) attributes.push({ id: ATTRIBUTE.values, value: BigInt(level) });
  if (debounceUs !== undefined && debounceUs > 0) attributes.push({ id: ATTRIBUTE.debounce, value: BigInt(debounceUs) });
  bytes.writeUInt32LE(attributes.length, CONFIG.attributeCount);
  for (const [index, { id, value }] of attributes.entries()) {
    const at = CONFIG.attributes + index * ATTRIBUTE.bytes;
    bytes.writeUInt32LE(id, at);
    bytes.writeBigUInt64LE(value, at + 8);
    bytes.writeBigUInt64LE(1n, at + 16);
  }
  return bytes;
}

/** The file descriptor of the granted line. */
export function grantedFd(bytes: Buffer): number {
  return bytes.readInt32LE(REQUEST.fd);
}

export function encodeValues(level: 0 | 1): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(level), 0);
  bytes.writeBigUInt64LE(1n, 8);
  return bytes;
}

export function decodeValue(bytes: Buffer): 0 | 1 {
  return (bytes.readBigUInt64LE(0) & 1n) === 1n ? 1 : 0;
}

export const EVENT_BYTES = 48;

export interface LineEvent {
  /** CLOCK_MONOTONIC, the clock of `process.hrtime`. */
  readonly timestampNs: bigint;
  readonly level: 0 | 1;
}

export function decodeEvents(bytes: Buffer): readonly LineEvent[] {
  const events: LineEvent[] = [];
  for (let at = 0; at + EVENT_BYTES <= bytes.length; at += EVENT_BYTES) {
    events.push({ timestampNs: bytes.readBigUInt64LE(at), level: bytes.readUInt32LE(at + 8) === 1 ? 1 : 0 });
  }
  return events;
}

/** The kernel cuts a consumer's name at 31 bytes, also inside a letter; this cuts it before that letter. */
function shortName(name: string): Buffer {
  let letters = [...name];
  while (Buffer.byteLength(letters.join("")) > NAME_BYTES_MAX) letters = letters.slice(0, -1);
  return Buffer.from(letters.join(""));
}

/** A name as text. Names are bytes that other programs chose and cut, so invalid ones are replaced. */
function text(bytes: Buffer, at: number): string {
  const field = bytes.subarray(at, at + NAME_BYTES);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? NAME_BYTES : end);
}
