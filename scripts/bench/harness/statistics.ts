/** Percentile by nearest rank, `fraction` from 0 to 1. Throws without samples. */
export function percentile(samples: readonly number[], fraction: number): number {
  if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`a fraction is from 0 to 1, not ${fraction}`);
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("no samples");
  return value;
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const high = sorted[sorted.length >> 1];
  const low = sorted[(sorted.length - 1) >> 1];
  if (high === undefined || low === undefined) throw new RangeError("no samples");
  return (low + high) / 2;
}

/**
 * Records per second from a trace of a rising counter, between the last reading without records and the first with all of
 * them. `undefined` when the trace lacks either.
 */
export function rateOf(trace: readonly { readonly atMs: number; readonly count: number }[], total: number): number | undefined {
  const end = trace.find(({ count }) => count >= total);
  const start = trace.findLast(({ count }) => count === 0);
  if (end === undefined || start === undefined || end.atMs <= start.atMs) return undefined;
  return ((end.count - start.count) * 1000) / (end.atMs - start.atMs);
}
