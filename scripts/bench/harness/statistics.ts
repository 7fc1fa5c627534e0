/** The value below which `fraction` (0 to 1) of the samples lie, by nearest rank. Throws on no samples: a figure without a measurement is a bug. */
export function percentile(samples: readonly number[], fraction: number): number {
  if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`a fraction is from 0 to 1, not ${fraction}`);
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("no samples");
  return value;
}

/** The middle sample; of an even number the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const high = sorted[sorted.length >> 1];
  const low = sorted[(sorted.length - 1) >> 1];
  if (high === undefined || low === undefined) throw new RangeError("no samples");
  return (low + high) / 2;
}

/**
 * Records a second from a trace of a rising counter: from the last look at which nothing had come to the first at
 * which everything had. `undefined` when the trace does not show both.
 */
export function rateOf(trace: readonly { readonly atMs: number; readonly count: number }[], total: number): number | undefined {
  const end = trace.find(({ count }) => count >= total);
  const start = trace.findLast(({ count }) => count === 0);
  if (end === undefined || start === undefined || end.atMs <= start.atMs) return undefined;
  return ((end.count - start.count) * 1000) / (end.atMs - start.atMs);
}
