/** What a browser has to achieve before it counts as working. */
export interface BrowserProofLimits {
  /** Longest time from its first start to the first frame of a loaded page. */
  readonly pictureWithinMs: number;
  /** Limit for the number of times it ends before the first picture. */
  readonly exitsMax: number;
}

export const PROOF: BrowserProofLimits = { pictureWithinMs: 30_000, exitsMax: 2 };
