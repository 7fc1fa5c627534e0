/**
 * The number to report: `previous` while `value` is less than `step` away from it, else `value` rounded to `step`.
 * Reports are sent on change, so small fluctuations must not count as one. Rounding alone would flip at its borders.
 */
export function bucketed(previous: number | undefined, value: number, step: number): number {
  if (previous !== undefined && Math.abs(value - previous) < step) return previous;
  return Math.round(value / step) * step;
}

/** A size for people and for change detection: the power of two at or below `bytes`, 0 below `floorBytes`. */
export function bucketedBytes(bytes: number, floorBytes: number): number {
  if (bytes < floorBytes) return 0;
  return 2 ** Math.floor(Math.log2(bytes));
}
