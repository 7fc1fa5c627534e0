/**
 * How an observed value compares with the wanted one. `near`: within the step size of the hardware; counts as the wanted value
 * once it has been sent to the hardware, or once the exact value has been observed. `settling`: already changing to the wanted
 * value. `leaving`: already changing to another value; wait until that has finished.
 */
export type Comparison = "same" | "near" | "settling" | "leaving" | "different";

/** Tolerance in percentage points for a level that has been set: hardware scales have their own step size. */
export const PERCENT_TOLERANCE = 2;

/** Compares two levels in percent. Nothing is `near` 0: every scale has an exact 0, and sound at 1 percent is still audible. */
export function compareLevel(wanted: unknown, observed: unknown): Comparison {
  if (wanted === observed) return "same";
  if (wanted === 0 || typeof wanted !== "number" || typeof observed !== "number") return "different";
  return Math.abs(wanted - observed) <= PERCENT_TOLERANCE ? "near" : "different";
}

export function compareExactly(wanted: unknown, observed: unknown): Comparison {
  return wanted === observed ? "same" : "different";
}
