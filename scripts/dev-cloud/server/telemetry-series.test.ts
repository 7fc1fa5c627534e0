import { expect, test } from "vitest";
import type { Rollup } from "../../../agent/protocol/records.ts";
import type { RecordRow } from "../sessions/cloud-store.ts";
import { recordOf } from "../store/cloud-store.conformance.ts";
import { bucketed, metricNames } from "./telemetry-series.ts";

function row(wallMs: number, metrics: Record<string, Rollup>): RecordRow {
  return { ...recordOf(1, { stream: "metric", kind: "telemetry", wallMs, body: { intervalMs: 1_000, metrics } }), cursor: 1 };
}

const cpu = (mean: number, count = 1): Rollup => ({ min: mean - 1, mean, max: mean + 1, last: mean, count });

test("merging weights means, keeps extremes and leaves empty buckets out", () => {
  const rows = [row(0, { cpu: cpu(10, 3) }), row(400, { cpu: cpu(20, 1) }), row(2_500, { cpu: cpu(5), mem: cpu(1) })];
  expect(bucketed(rows, { names: ["cpu", "mem", "__proto__"], fromMs: 0, toMs: 3_000, buckets: 3 })).toEqual({
    fromMs: 0,
    toMs: 3_000,
    bucketMs: 1_000,
    series: Object.assign(Object.create(null) as object, {
      cpu: [[0, 9, 12.5, 21, 20, 4], [2_000, 4, 5, 6, 5, 1]],
      mem: [[2_000, 0, 1, 2, 1, 1]],
      ["__proto__"]: [],
    }),
  });
});

test("metric names come with their newest value", () => {
  expect(metricNames([row(1, { b: cpu(1), a: cpu(2) }), row(2, { b: cpu(3) })])).toEqual([
    { name: "a", last: 2, lastMs: 1 },
    { name: "b", last: 3, lastMs: 2 },
  ]);
});
