import type { Random } from "../ports/random.ts";

/**
 * Reproducible randomness: the same seed gives the same numbers on every machine. The generator is sfc32 (Chris
 * Doty-Humphrey's "small fast counting" generator, 128 bits of state). Not for secrets outside a simulation.
 */
export class SeededRandom implements Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string | number) {
    this.#seed = String(seed);
    this.#a = hash32(this.#seed, 0x9e3779b9);
    this.#b = hash32(this.#seed, 0x85ebca6b);
    this.#c = hash32(this.#seed, 0xc2b2ae35);
    // The first outputs still resemble the state; the generator's author discards twelve.
    for (let i = 0; i < 12; i++) this.#next32();
  }

  next(): number {
    // 53 bits: 26 from one draw, 27 from the next.
    return ((this.#next32() >>> 6) * 2 ** 27 + (this.#next32() >>> 5)) / 2 ** 53;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.#next32() >>> 24;
    return bytes;
  }

  /**
   * An independent generator for one part of a simulation. It depends only on the seed and the label, not on how many
   * numbers were drawn, so a change in one part does not change the others.
   */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${label}`);
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  #next32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }
}

/** FNV-1a over UTF-16 units from a salted start, with a multiply-and-fold finish that separates similar seeds. */
function hash32(text: string, salt: number): number {
  let hash = (0x811c9dc5 ^ salt) | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 16)) | 0;
}
