/** Read from a message's first bytes: an answer to one of our calls, an event, or neither. */
export type MessageHead =
  | { readonly kind: "answer"; readonly id: number }
  | { readonly kind: "event"; readonly method: string }
  | { readonly kind: "unclear" };

export type ReadMessage =
  | { readonly kind: "whole"; readonly text: string }
  /** Over its limit, so its bytes were discarded as they arrived. `start`: its first 256 bytes; some events still need an answer. */
  | { readonly kind: "over"; readonly head: MessageHead; readonly start: string; readonly bytes: number };

const END = 0;
const START_BYTES = 256;
const ANSWER = /^\{"id":(\d+)/;
const EVENT = /^\{"method":"([A-Za-z]+\.[A-Za-z]+)"/;

/**
 * Splits the debugging pipe into messages. The beginning of each decides its size limit, which is enforced before the
 * message is kept or parsed, because a page can write text of any length. A message over its limit is dropped alone.
 */
export class MessageReader {
  readonly #bytesMaxOf: (head: MessageHead) => number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #held: Uint8Array[] = [];
  #bytes = 0;
  #head: MessageHead | undefined;
  #start = "";
  #bytesMax = START_BYTES;

  /** `bytesMaxOf` is called once for each message and returns its limit; 0 skips the message. */
  constructor(bytesMaxOf: (head: MessageHead) => number) {
    this.#bytesMaxOf = bytesMaxOf;
  }

  /** The messages that `chunk` completes, without skipped ones. */
  push(chunk: Uint8Array): readonly ReadMessage[] {
    const messages: ReadMessage[] = [];
    let from = 0;
    for (let to = chunk.indexOf(END); to >= 0; to = chunk.indexOf(END, from)) {
      this.#hold(chunk.subarray(from, to));
      const message = this.#take();
      if (message !== undefined) messages.push(message);
      from = to + 1;
    }
    this.#hold(chunk.subarray(from));
    return messages;
  }

  #hold(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    if (this.#head === undefined || this.#bytes <= this.#bytesMax) this.#held.push(part);
    if (this.#head === undefined && this.#bytes >= START_BYTES) this.#judge();
    if (this.#head !== undefined && this.#bytes > this.#bytesMax) this.#held = [];
  }

  #judge(): void {
    this.#start = this.#decoder.decode(Buffer.concat(this.#held, Math.min(this.#bytes, START_BYTES)));
    this.#head = headOf(this.#start);
    this.#bytesMax = this.#bytesMaxOf(this.#head);
  }

  #take(): ReadMessage | undefined {
    if (this.#bytes === 0) return undefined;
    if (this.#head === undefined) this.#judge();
    const [bytes, bytesMax, head, start, held] = [this.#bytes, this.#bytesMax, this.#head ?? { kind: "unclear" as const }, this.#start, this.#held];
    this.#held = [];
    this.#bytes = 0;
    this.#head = undefined;
    if (bytesMax === 0) return undefined;
    return bytes > bytesMax ? { kind: "over", head, start, bytes } : { kind: "whole", text: this.#decoder.decode(Buffer.concat(held)) };
  }
}

function headOf(start: string): MessageHead {
  const id = ANSWER.exec(start)?.[1];
  if (id !== undefined) return { kind: "answer", id: Number(id) };
  const method = EVENT.exec(start)?.[1];
  return method === undefined ? { kind: "unclear" } : { kind: "event", method };
}
