/** What the first bytes of a message say: an answer to one of our calls, an event, or neither. */
export type MessageHead =
  | { readonly kind: "answer"; readonly id: number }
  | { readonly kind: "event"; readonly method: string }
  | { readonly kind: "unclear" };

export type ReadMessage =
  | { readonly kind: "whole"; readonly text: string }
  /** Over its limit: its bytes were thrown away as they came. `start` is its first 256 bytes, for what has to be answered all the same. */
  | { readonly kind: "over"; readonly head: MessageHead; readonly start: string; readonly bytes: number };

const END = 0;
const START_BYTES = 256;
const ANSWER = /^\{"id":(\d+)/;
const EVENT = /^\{"method":"([A-Za-z]+\.[A-Za-z]+)"/;

/**
 * Cuts the debugging pipe into messages, each with a limit that its own beginning decides. Much of what comes over the
 * pipe is text that a page wrote, as long as it likes, so the limit holds before a message is kept or parsed. One that
 * is too long costs that message and nothing else: the pipe goes on with the next.
 */
export class MessageReader {
  readonly #bytesMaxOf: (head: MessageHead) => number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #held: Uint8Array[] = [];
  #bytes = 0;
  #head: MessageHead | undefined;
  #start = "";
  #bytesMax = START_BYTES;

  /** `bytesMaxOf` is asked once for each message; 0 when nobody wants it. */
  constructor(bytesMaxOf: (head: MessageHead) => number) {
    this.#bytesMaxOf = bytesMaxOf;
  }

  /** The messages that `chunk` completes. What nobody wants is not among them. */
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

  /** Reads the head as soon as enough is there. */
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
