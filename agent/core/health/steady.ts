export interface SteadyRule {
  /** Bad readings among the last `of` from which a fact counts as bad. */
  readonly bad: number;
  readonly of: number;
  /** Good readings in a row after which it counts as good again. */
  readonly good: number;
}

/** Judges a fact by several readings, so that neither one bad nor one good reading changes the judgement. */
export class Steady {
  readonly #rule: SteadyRule;
  /** The newest readings, oldest first: whether they were bad. */
  #latest: readonly boolean[] = [];
  #goodInARow = 0;
  #isBad = false;

  constructor(rule: SteadyRule) {
    this.#rule = rule;
  }

  get isBad(): boolean {
    return this.#isBad;
  }

  /** Takes a reading and returns the judgement. */
  take(bad: boolean): boolean {
    const { bad: badMin, of, good } = this.#rule;
    this.#latest = [...this.#latest, bad].slice(-of);
    this.#goodInARow = bad ? 0 : this.#goodInARow + 1;
    if (this.#latest.filter(Boolean).length >= badMin) this.#isBad = true;
    else if (this.#goodInARow >= good) this.#isBad = false;
    return this.#isBad;
  }
}
