/**
 * Takes the debugging pipe's byte stream apart: UTF-8 JSON texts, each ended by a zero byte. A text over
 * the limit is a browser gone mad; it ends the connection instead of this process's memory.
 */
export class CdpFramer {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The texts that `chunk` completes. Throws a RangeError when one grows beyond the limit. */
  push(chunk: Uint8Array): string[] {
    const texts: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(0, from); end >= 0; end = chunk.indexOf(0, from)) {
      this.#hold(chunk.subarray(from, end));
      texts.push(Buffer.concat(this.#parts, this.#heldBytes).toString("utf8"));
      this.#parts = [];
      this.#heldBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from));
    return texts;
  }

  #hold(part: Uint8Array): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#bytesMax) throw new RangeError(`a message on the debugging pipe is over ${this.#bytesMax} bytes`);
    this.#parts.push(part);
  }
}
