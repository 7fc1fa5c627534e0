/**
 * How an observed value compares with the wanted one. `near`: as close as the hardware's own steps may allow; it counts as the
 * wanted value once the hardware was told, or once exactly that was seen. `settling`: changing to the wanted value by itself.
 * `leaving`: changing by itself to another value; it is left to finish.
 */
export type Comparison = "same" | "near" | "settling" | "leaving" | "different";

/** Scales in hardware have steps of their own: a level that was told is the wanted one within this many percent. */
export const PERCENT_TOLERANCE = 2;

/** Both in percent. Nothing is near 0, which every scale has: 1 percent of sound can still be heard. */
export function compareLevel(wanted: unknown, observed: unknown): Comparison {
  if (wanted === observed) return "same";
  if (wanted === 0 || typeof wanted !== "number" || typeof observed !== "number") return "different";
  return Math.abs(wanted - observed) <= PERCENT_TOLERANCE ? "near" : "different";
}

export function compareExactly(wanted: unknown, observed: unknown): Comparison {
  return wanted === observed ? "same" : "different";
}
