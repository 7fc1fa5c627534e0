import type { Telemetry } from "../../../agent/protocol/records.ts";
import type { RecordRow } from "../sessions/cloud-store.ts";

export type Point = [startMs: number, min: number, mean: number, max: number, last: number, count: number];

export interface Series {
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number;
  readonly series: Readonly<Record<string, readonly Point[]>>;
}

/** Merges rollups into at most `buckets` buckets. Means are weighted by count; an empty bucket has no point. */
export function bucketed(
  rows: readonly RecordRow[],
  query: { readonly names: readonly string[]; readonly fromMs: number; readonly toMs: number; readonly buckets: number },
): Series {
  const { names, fromMs, toMs } = query;
  const bucketMs = Math.max(1, Math.ceil((toMs - fromMs) / query.buckets));
  const points = new Map<string, Map<number, Point>>(names.map((name) => [name, new Map<number, Point>()]));
  for (const row of rows) {
    const metrics = new Map(Object.entries((row.body as unknown as Telemetry).metrics));
    const startMs = fromMs + Math.floor((row.wallMs - fromMs) / bucketMs) * bucketMs;
    for (const [name, buckets] of points) {
      const rollup = metrics.get(name);
      if (rollup === undefined) continue;
      const before = buckets.get(startMs);
      buckets.set(
        startMs,
        before === undefined ? [startMs, rollup.min, rollup.mean, rollup.max, rollup.last, rollup.count] : merged(before, rollup),
      );
    }
  }
  const series: Record<string, readonly Point[]> = Object.create(null) as Record<string, readonly Point[]>;
  for (const [name, buckets] of points) series[name] = [...buckets.values()].sort((a, b) => a[0] - b[0]);
  return { fromMs, toMs, bucketMs, series };
}

/** Metric names in these rows with their newest values, sorted by name. */
export function metricNames(
  rows: readonly RecordRow[],
): readonly { readonly name: string; readonly last: number; readonly lastMs: number }[] {
  const newest = new Map<string, { last: number; lastMs: number }>();
  for (const row of rows) {
    for (const [name, rollup] of Object.entries((row.body as unknown as Telemetry).metrics))
      newest.set(name, { last: rollup.last, lastMs: row.wallMs });
  }
  return [...newest].map(([name, value]) => ({ name, ...value })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function merged(point: Point, rollup: Telemetry["metrics"][string]): Point {
  const [startMs, min, mean, max, , count] = point;
  const total = count + rollup.count;
  return [
    startMs,
    Math.min(min, rollup.min),
    (mean * count + rollup.mean * rollup.count) / total,
    Math.max(max, rollup.max),
    rollup.last,
    total,
  ];
}
