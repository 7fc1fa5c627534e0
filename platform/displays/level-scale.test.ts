import fc from "fast-check";
import { expect, test } from "vitest";
import { LevelScale } from "./level-scale.ts";

test("every percentage is read back as it was asked for on every scale, and only 0 is the lowest step", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 65_535 }), (percent, max) => {
      const scale = new LevelScale();
      const raw = scale.rawOf(percent, max);
      expect([scale.percentOf(raw, max), raw <= max, raw === 0]).toEqual([percent, true, percent === 0]);
    }),
  );
});

test("a step that somebody else chose is what it is", () => {
  const scale = new LevelScale();
  expect(scale.rawOf(37, 5)).toBe(2);
  expect([scale.percentOf(2, 5), scale.percentOf(3, 5), scale.percentOf(2, 10)]).toEqual([37, 60, 20]);
});

test("a level without an end, or beyond it, is none", () => {
  const scale = new LevelScale();
  expect([scale.percentOf(0, 0), scale.percentOf(101, 100), scale.percentOf(-1, 100)]).toEqual([undefined, undefined, undefined]);
});
