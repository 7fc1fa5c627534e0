import { expect, test } from "vitest";
import { median, percentile, rateOf } from "./statistics.ts";

test("percentiles are by nearest rank, in any order of the samples", () => {
  const samples = [5, 1, 4, 2, 3];
  expect(percentile(samples, 0)).toBe(1);
  expect(percentile(samples, 0.5)).toBe(3);
  expect(percentile(samples, 0.99)).toBe(5);
  expect(percentile(Array.from({ length: 100 }, (_, at) => at + 1), 0.99)).toBe(99);
  expect(samples).toEqual([5, 1, 4, 2, 3]);
});

test("the median of an even number is the mean of the two in the middle", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([10, 9, 100])).toBe(10);
});

test("no samples are an error, not zero", () => {
  expect(() => median([])).toThrow("no samples");
  expect(() => percentile([], 0.5)).toThrow("no samples");
  expect(() => percentile([1], 1.5)).toThrow("fraction");
});

test("a rate is measured from the last empty reading to the first complete one", () => {
  const trace = [{ atMs: 0, count: 0 }, { atMs: 100, count: 0 }, { atMs: 600, count: 400 }, { atMs: 1100, count: 1000 }, { atMs: 5000, count: 1000 }];
  expect(rateOf(trace, 1000)).toBe(1000);
  expect(rateOf(trace, 1001)).toBeUndefined();
  expect(rateOf(trace.slice(2), 1000)).toBeUndefined();
});
