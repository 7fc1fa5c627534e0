import { expect, test } from "vitest";
import type { SeriesPoint } from "./api-types.ts";
import { nearest, niceTicks, rangeOf, segments } from "./chart-scale.ts";

const at = (startMs: number, value = 1): SeriesPoint => [startMs, value, value, value, value, 1];

test("missing data interrupts the line, but a slow metric in small buckets does not", () => {
  expect(segments([at(0), at(10), at(20), at(80), at(90)], 10).map((run) => run.length)).toEqual([3, 2]);
  expect(segments([at(0), at(60), at(120), at(180)], 10)).toHaveLength(1);
  expect(segments([], 10)).toEqual([]);
});

test("ticks are round and cover the range, and equal values still get a range", () => {
  expect(niceTicks(0, 97)).toEqual([0, 50, 100]);
  expect(niceTicks(0.1, 0.9)[0]).toBe(0);
  expect(rangeOf([at(0, 5)], false)).toEqual([0, 6.25]);
  expect(rangeOf([at(0, 5)], true)).toEqual([0, 100]);
  expect(rangeOf([], false)).toEqual([0, 1]);
});

test("finds the point nearest to a time", () => {
  expect(nearest([at(0), at(10), at(20)], 13)).toBe(1);
  expect(nearest([], 13)).toBeUndefined();
});
