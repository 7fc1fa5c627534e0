import fc from "fast-check";
import { expect, test } from "vitest";
import { SeededRandom } from "./seeded-random.ts";

test("the same seed gives the same numbers, another seed different ones", () => {
  const draw = (seed: string | number): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 20 }, () => random.next());
  };
  expect(draw(7)).toEqual(draw("7"));
  expect(draw(7)).not.toEqual(draw(8));
});

test("numbers stay in range and are evenly distributed", () => {
  const random = new SeededRandom("spread");
  const bins = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 20_000; i++) {
    const value = random.next();
    expect(value >= 0 && value < 1).toBe(true);
    const bin = Math.floor(value * 10);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  for (const bin of bins) expect(Math.abs(bin - 2_000)).toBeLessThan(250);
});

test("a fork depends only on seed and label", () => {
  const a = new SeededRandom(1);
  const b = new SeededRandom(1);
  for (let i = 0; i < 9; i++) b.next();
  expect(a.fork("disk").next()).toBe(b.fork("disk").next());
  expect(a.fork("disk").next()).not.toBe(a.fork("link").next());
});

test("integers include both ends", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: -50, max: 50 }), fc.nat(20), (seed, min, span) => {
      const value = new SeededRandom(seed).integer(min, min + span);
      expect(Number.isInteger(value)).toBe(true);
      expect(value).toBeGreaterThanOrEqual(min);
      expect(value).toBeLessThanOrEqual(min + span);
    }),
  );
  const random = new SeededRandom(3);
  expect(new Set(Array.from({ length: 100 }, () => random.integer(1, 3)))).toEqual(new Set([1, 2, 3]));
});

test("chance and bytes are reproducible by seed", () => {
  const random = new SeededRandom("c");
  const hits = Array.from({ length: 10_000 }, () => random.chance(0.2)).filter(Boolean).length;
  expect(Math.abs(hits - 2_000)).toBeLessThan(200);
  expect(new SeededRandom("k").bytes(32)).toEqual(new SeededRandom("k").bytes(32));
});
