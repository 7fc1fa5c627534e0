import { afterEach, expect, test } from "vitest";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { goldenTexts } from "./corpus.ts";
import { mutate } from "./mutate.ts";
import { fuzzTarget, HEAP_GROWTH_BYTES_MAX } from "./run-fuzz.ts";

afterEach(() => {
  Reflect.deleteProperty(Object.prototype, "polluted");
});

test("the same seed gives the same frames, which differ from the good ones", () => {
  const corpus = goldenTexts("cloud");
  const frames = (seed: string): string[] => Array.from({ length: 200 }, (_, n) => mutate(new SeededRandom(seed).fork(String(n)), corpus));
  expect(frames("a")).toEqual(frames("a"));
  expect(frames("a").filter((text) => !corpus.includes(text)).length).toBeGreaterThan(150);
});

test("finds a target that throws, one that grows and one that lets Object.prototype be changed", async () => {
  const random = new SeededRandom("broken");
  const throws = await fuzzTarget({ name: "throws", share: 1, take: (each) => void (each.chance(0.2) && JSON.parse("{")) }, 100, random);
  expect(throws.violations.length).toBeGreaterThan(5);
  const kept: number[][] = [];
  const leaks = await fuzzTarget({ name: "leaks", share: 1, take: () => void kept.push(Array.from({ length: 3_000 }, () => 1.5)) }, 800, random);
  expect(leaks.heapGrewBytes).toBeGreaterThan(HEAP_GROWTH_BYTES_MAX);
  expect(leaks.violations[0]).toMatch(/the heap grew/);
  const pollutes = await fuzzTarget({ name: "pollutes", share: 1, take: () => void Object.assign(Object.prototype, { polluted: 1 }) }, 2, random);
  expect(pollutes.violations).toContain("a frame reached Object.prototype");
});
