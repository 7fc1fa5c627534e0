const LINE_FEED = 10;

/**
 * Cuts a byte stream into texts of UTF-8, each ended by a line feed (or another byte). A peer that sends more than
 * `bytesMax` without that end is not speaking our protocol: `push` returns `undefined` from then on and the caller ends the
 * connection, where otherwise this process's memory would end.
 */
export class LineFramer {
  readonly #bytesMax: number;
  readonly #end: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #parts: Uint8Array[] = [];
  #heldBytes = 0;
  #overflowed = false;

  constructor(bytesMax: number, end: number = LINE_FEED) {
    this.#bytesMax = bytesMax;
    this.#end = end;
  }

  /** The lines that `chunk` completes, without their ends; empty lines are left out. A chunk of text counts as its UTF-8. */
  push(chunk: Uint8Array | string): readonly string[] | undefined {
    const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
    const lines: string[] = [];
    let from = 0;
    for (let to = bytes.indexOf(this.#end); to >= 0 && !this.#overflowed; to = bytes.indexOf(this.#end, from)) {
      this.#hold(bytes.subarray(from, to));
      if (this.#heldBytes > 0 && !this.#overflowed) lines.push(this.#decoder.decode(this.#take()));
      from = to + 1;
    }
    if (from < bytes.length) this.#hold(bytes.subarray(from));
    return this.#overflowed ? undefined : lines;
  }

  #hold(part: Uint8Array): void {
    if (this.#overflowed || part.length === 0) return;
    this.#heldBytes += part.length;
    this.#parts.push(part);
    if (this.#heldBytes <= this.#bytesMax) return;
    this.#overflowed = true;
    this.#parts = [];
  }

  /** What is held, in one piece. */
  #take(): Uint8Array {
    const [first] = this.#parts;
    let whole = first;
    if (whole === undefined || this.#parts.length > 1) {
      whole = new Uint8Array(this.#heldBytes);
      let at = 0;
      for (const part of this.#parts) {
        whole.set(part, at);
        at += part.length;
      }
    }
    this.#parts = [];
    this.#heldBytes = 0;
    return whole;
  }
}
