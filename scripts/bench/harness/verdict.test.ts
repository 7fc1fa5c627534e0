import { expect, test } from "vitest";
import type { Measured } from "../figure.ts";
import { formatNumber, judge, reachedText } from "./verdict.ts";

const base: Measured = { name: "x.y", value: 30, unit: "ms", floor: { name: "nothing", value: 10, unit: "ms" }, how: "once" };

test("a ratio is judged against the floor of the same run", () => {
  const within = judge({ ...base, target: { of: "ratio", atMost: 3 } });
  expect(within).toMatchObject({ ratio: 3, reached: true, target: "≤ 3 × floor" });
  const over = judge({ ...base, target: { of: "ratio", atMost: 2.5 } });
  expect(over.reached).toBe(false);
  expect(reachedText(over)).toBe("not reached: 3 × (≤ 2.5 × floor)");
});

test("a value is judged by itself, with an upper or a lower limit", () => {
  expect(judge({ ...base, target: { of: "value", atLeast: 30 } }).reached).toBe(true);
  expect(judge({ ...base, target: { of: "value", atLeast: 20_000 } })).toMatchObject({ reached: false, target: "≥ 20,000 ms" });
});

test("nothing is judged without a target, and no ratio is reached without a floor", () => {
  expect(judge(base)).toMatchObject({ target: null, reached: null });
  expect(reachedText(judge(base))).toBe("");
  expect(judge({ ...base, floor: { name: "zero", value: 0, unit: "ms" }, target: { of: "ratio", atMost: 9 } })).toMatchObject({ ratio: null, reached: false });
  expect(judge({ ...base, value: Number.NaN, target: { of: "value", atMost: 9 } }).reached).toBe(false);
});

test("numbers have three digits and thousands separators", () => {
  expect([0.0123456, 1.5, 123.456, 1234.5, 1_000_000, 0].map(formatNumber)).toEqual(["0.0123", "1.5", "123", "1,235", "1,000,000", "0"]);
});
