import type { SeriesPoint } from "./api-types.ts";

/** Ticks covering `low` to `high` in about `wanted` steps of 1, 2 or 5 times a power of ten. */
export function niceTicks(low: number, high: number, wanted = 4): number[] {
  if (!(high > low)) return [low];
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw) ?? power * 10;
  const first = Math.floor(low / step) * step;
  const ticks: number[] = [];
  for (let tick = first; tick <= high + step * 0.999; tick += step) ticks.push(Number(tick.toPrecision(12)));
  return ticks;
}

/** Vertical range of a chart. Percent is always 0 to 100; other values start at 0 unless that would flatten the curve. */
export function rangeOf(points: readonly SeriesPoint[], percent: boolean): readonly [number, number] {
  if (percent) return [0, 100];
  const low = Math.min(...points.map((point) => point[1]));
  const high = Math.max(...points.map((point) => point[3]));
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : [Math.min(0, low), high > 0 ? high * 1.25 : 0];
  return [low >= 0 && low < high * 0.6 ? 0 : low - (high - low) * 0.1, high];
}

/**
 * Splits points into runs, so that the line is interrupted where data is missing. A gap is measured against the
 * median distance: one rollup per minute in buckets of ten seconds is not missing data.
 */
export function segments(points: readonly SeriesPoint[], bucketMs: number): SeriesPoint[][] {
  const distances = points.slice(1).map((point, index) => point[0] - (points[index]?.[0] ?? 0)).sort((left, right) => left - right);
  const usual = distances[Math.floor(distances.length / 2)] ?? bucketMs;
  const longest = Math.max(bucketMs * 1.5, usual * 2.2);
  const runs: SeriesPoint[][] = [];
  let run: SeriesPoint[] = [];
  for (const point of points) {
    const before = run.at(-1);
    if (before !== undefined && point[0] - before[0] > longest) {
      runs.push(run);
      run = [];
    }
    run.push(point);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

/** Index of the point nearest to a time; `undefined` when there are no points. */
export function nearest(points: readonly SeriesPoint[], atMs: number): number | undefined {
  let best: number | undefined;
  for (const [index, point] of points.entries()) {
    if (best === undefined || Math.abs(point[0] - atMs) < Math.abs((points[best]?.[0] ?? 0) - atMs)) best = index;
  }
  return best;
}
