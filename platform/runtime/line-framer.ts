const LINE_FEED = 10;

/**
 * Cuts a byte stream into texts of UTF-8, each ended by a line feed (or another byte). A peer that sends more than
 * `bytesMax` without that end is not speaking our protocol: `push` returns `undefined` from then on, and the caller closes the
 * connection so that this process does not run out of memory.
 */
export class LineFramer {
  readonly #bytesMax: number;
  readonly #end: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Start of an incomplete line, while it is in a single chunk. */
  #only: Uint8Array | undefined;
  /** The same once it spans chunks: one buffer that doubles, because a list of single bytes would cost a hundred times the memory. */
  #joined: Uint8Array | undefined;
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
    const before = this.#heldBytes;
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#bytesMax) {
      this.#overflowed = true;
      this.#only = undefined;
      this.#joined = undefined;
    } else if (before === 0) this.#only = part;
    else this.#join(part, before);
  }

  #join(part: Uint8Array, before: number): void {
    let joined = this.#joined;
    if (joined === undefined || joined.length < this.#heldBytes) {
      const larger = new Uint8Array(Math.min(this.#bytesMax, 2 * this.#heldBytes));
      larger.set(joined?.subarray(0, before) ?? this.#only ?? []);
      joined = larger;
      this.#joined = larger;
      this.#only = undefined;
    }
    joined.set(part, before);
  }

  /** Returns the held bytes in one piece and clears them. */
  #take(): Uint8Array {
    const whole = this.#joined?.subarray(0, this.#heldBytes) ?? this.#only ?? new Uint8Array();
    this.#only = undefined;
    this.#joined = undefined;
    this.#heldBytes = 0;
    return whole;
  }
}
