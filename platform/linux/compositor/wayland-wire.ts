/**
 * The wire format of Wayland (wayland.freedesktop.org/docs/html/ch04.html, "Wire Format"): a message is the object's id, its
 * size and opcode, and the arguments, all in words of 32 bits in the machine's own order. Every machine we run on is little-endian.
 */

export const HEADER_BYTES = 8;

export interface WaylandMessage {
  readonly object: number;
  readonly opcode: number;
  readonly body: DataView;
}

/** Integers (also ids and enums) and strings are the only argument types used here. */
export type WaylandArgument = number | string;

export function encodeMessage(object: number, opcode: number, args: readonly WaylandArgument[]): Uint8Array {
  const words = args.map((argument) => (typeof argument === "string" ? new TextEncoder().encode(`${argument}\0`) : argument));
  const sizeBytes = words.reduce<number>((sum, word) => sum + (typeof word === "number" ? 4 : 4 + padded(word.length)), HEADER_BYTES);
  const bytes = new Uint8Array(sizeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, object, true);
  view.setUint32(4, ((sizeBytes << 16) | opcode) >>> 0, true);
  let at = HEADER_BYTES;
  for (const word of words) {
    view.setInt32(at, typeof word === "number" ? word : word.length, true);
    at += 4;
    if (typeof word === "number") continue;
    bytes.set(word, at);
    at += padded(word.length);
  }
  return bytes;
}

/** Splits what was received into messages. `rest` is the beginning of the next one; `undefined`: the bytes are no Wayland. */
export function splitMessages(bytes: Uint8Array): { readonly messages: readonly WaylandMessage[]; readonly rest: Uint8Array } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: WaylandMessage[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER_BYTES) {
    const word = view.getUint32(at + 4, true);
    const sizeBytes = word >>> 16;
    if (sizeBytes < HEADER_BYTES || sizeBytes % 4 !== 0) return undefined;
    if (bytes.length - at < sizeBytes) break;
    messages.push({ object: view.getUint32(at, true), opcode: word & 0xffff, body: new DataView(bytes.buffer, bytes.byteOffset + at + HEADER_BYTES, sizeBytes - HEADER_BYTES) });
    at += sizeBytes;
  }
  return { messages, rest: bytes.subarray(at) };
}

/** Reads the arguments of one message, in their order. Throws a `RangeError` if the message is too short. */
export class ArgumentReader {
  readonly #body: DataView;
  #at = 0;

  constructor(body: DataView) {
    this.#body = body;
  }

  uint(): number {
    const value = this.#body.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  int(): number {
    return this.uint() | 0;
  }

  /** A string without its final zero byte; empty for a null string. */
  string(): string {
    const lengthBytes = this.uint();
    if (lengthBytes === 0) return "";
    const bytes = new Uint8Array(this.#body.buffer, this.#body.byteOffset + this.#at, this.#body.byteLength - this.#at).subarray(0, lengthBytes - 1);
    if (bytes.length < lengthBytes - 1) throw new RangeError("a string is longer than its message");
    this.#at += padded(lengthBytes);
    return new TextDecoder().decode(bytes);
  }
}

function padded(lengthBytes: number): number {
  return (lengthBytes + 3) & ~3;
}
