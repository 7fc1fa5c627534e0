/**
 * Cuts a stream of text into lines. A peer that sends more than `charactersMax` without a line feed is
 * not speaking our protocol: `push` returns `undefined` from then on and the caller ends the connection.
 */
export class LineFramer {
  readonly #charactersMax: number;
  #held = "";
  #overflowed = false;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  /** Complete lines in `text` and what was held before, without their line feeds; empty lines are left out. */
  push(text: string): readonly string[] | undefined {
    if (this.#overflowed) return undefined;
    const parts = (this.#held + text).split("\n");
    this.#held = parts.pop() ?? "";
    if (this.#held.length > this.#charactersMax || parts.some((line) => line.length > this.#charactersMax)) {
      this.#overflowed = true;
      this.#held = "";
      return undefined;
    }
    return parts.filter((line) => line.length > 0);
  }
}
