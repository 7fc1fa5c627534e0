/**
 * Percent on a scale of the hardware's own, from 0 to `max`. A scale of few steps has no 37 %: its nearest step is read back as the 37 %
 * that were asked for, until it changes.
 */
export class LevelScale {
  #asked: { readonly percent: number; readonly raw: number; readonly max: number } | undefined;

  /** The nearest step. Only 0 % is the lowest, which may be dark or silent. */
  rawOf(percent: number, max: number): number {
    const raw = percent === 0 ? 0 : Math.max(1, Math.round((percent * max) / 100));
    this.#asked = { percent, raw, max };
    return raw;
  }

  /** `undefined` if it is no scale, or beyond its end. */
  percentOf(raw: number, max: number): number | undefined {
    if (max <= 0 || raw < 0 || raw > max) return undefined;
    return this.#asked?.raw === raw && this.#asked.max === max ? this.#asked.percent : Math.round((raw * 100) / max);
  }
}
