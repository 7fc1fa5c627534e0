import type { Position } from "./cloud-store.ts";

/** Holes kept per stream. Beyond that, the two oldest are merged into one that also covers the records stored between them. */
export const HOLES_MAX = 500;

export type Placement = "new" | "duplicate";

/**
 * Acknowledged position of one stream while a batch is being stored. A device sends in ascending order; numbers
 * it skips become a hole, which its gap records explain. A number inside a hole that arrives later is new, unless it
 * is stored already: merged holes cover stored records too.
 */
export class PositionCursor {
  #upTo: number;
  readonly #holes: [from: number, to: number][];
  readonly #isStored: (seq: number) => boolean;
  #changed = false;

  /** `isStored` is asked only about numbers inside a hole. */
  constructor(position: Position, isStored: (seq: number) => boolean) {
    this.#isStored = isStored;
    this.#upTo = position.upTo;
    this.#holes = position.holes.map(([from, to]) => [from, to]);
  }

  get upTo(): number {
    return this.#upTo;
  }

  get changed(): boolean {
    return this.#changed;
  }

  position(): Position {
    return { upTo: this.#upTo, holes: this.#holes };
  }

  place(seq: number): Placement {
    if (seq > this.#upTo) {
      if (seq > this.#upTo + 1) this.#addHole(this.#upTo + 1, seq - 1);
      this.#upTo = seq;
      this.#changed = true;
      return "new";
    }
    return this.#fill(seq) ? "new" : "duplicate";
  }

  #addHole(from: number, to: number): void {
    this.#holes.push([from, to]);
    this.#mergeBeyondMax();
  }

  #mergeBeyondMax(): void {
    if (this.#holes.length <= HOLES_MAX) return;
    const [first, second] = this.#holes;
    if (first !== undefined && second !== undefined) this.#holes.splice(0, 2, [first[0], second[1]]);
  }

  #fill(seq: number): boolean {
    const at = this.#holes.findIndex(([from, to]) => seq >= from && seq <= to);
    const hole = this.#holes[at];
    if (hole === undefined || this.#isStored(seq)) return false;
    const left: [number, number][] = [];
    if (hole[0] < seq) left.push([hole[0], seq - 1]);
    if (hole[1] > seq) left.push([seq + 1, hole[1]]);
    this.#holes.splice(at, 1, ...left);
    this.#mergeBeyondMax();
    this.#changed = true;
    return true;
  }
}
