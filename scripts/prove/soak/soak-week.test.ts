import { expect, test } from "vitest";
import { judgeSoak, SOAK_LIMITS, type SoakDay } from "./soak-week.ts";

const days = (change: (day: number) => Partial<SoakDay> = () => ({})): SoakDay[] =>
  Array.from({ length: 7 }, (_, day) => ({ day, heapBytes: 20e6 + (day % 2) * 1_000, fileBytes: 3e6, flashBytes: 5e6, timers: 40, handles: 3, ...change(day) }));

test("constant figures pass, whatever the first day was", () => {
  expect(judgeSoak(days((day) => (day === 0 ? { heapBytes: 9e6 } : {}))).violations).toEqual([]);
});

test("each figure that grows or exceeds its limit is found", () => {
  expect(judgeSoak(days((day) => ({ heapBytes: 20e6 + day * 2 * SOAK_LIMITS.heapSlopeBytesPerDay }))).violations[0]).toMatch(/the heap grows/);
  expect(judgeSoak(days((day) => ({ timers: 40 + day * 3 }))).violations[0]).toMatch(/timers more/);
  expect(judgeSoak(days((day) => ({ handles: 3 + day }))).violations[0]).toMatch(/handles more/);
  expect(judgeSoak(days((day) => (day === 4 ? { fileBytes: 80e6 } : {}))).violations[0]).toMatch(/files have/);
  expect(judgeSoak(days((day) => (day === 4 ? { flashBytes: 80e6 } : {}))).violations[0]).toMatch(/written in a day/);
});
