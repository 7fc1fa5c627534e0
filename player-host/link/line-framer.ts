/** Takes a byte stream apart into lines of UTF-8. A line over the limit throws a RangeError and ends the stream's use. */
export class LineFramer {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that `chunk` completes, without their ends. Empty lines are left out. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10, from); end >= 0; end = chunk.indexOf(10, from)) {
      this.#hold(chunk.subarray(from, end));
      if (this.#heldBytes > 0) lines.push(Buffer.concat(this.#parts, this.#heldBytes).toString("utf8"));
      this.#parts = [];
      this.#heldBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from));
    return lines;
  }

  #hold(part: Uint8Array): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#bytesMax) throw new RangeError(`a line is over ${this.#bytesMax} bytes`);
    this.#parts.push(part);
  }
}
