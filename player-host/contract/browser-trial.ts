/** What a browser has to show before it counts as one that works. */
export interface BrowserProofLimits {
  /** From its first start to the first frame of a loaded page. */
  readonly pictureWithinMs: number;
  /** Ends before the first picture. */
  readonly exitsMax: number;
}

export const PROOF: BrowserProofLimits = { pictureWithinMs: 30_000, exitsMax: 2 };
