import { expect, test } from "vitest";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { ALL_LINES_BURST, LogLimit, SAME_LINE_BURST, SAME_LINE_EVERY_MS, TOLD_AFTER_MS } from "./log-limit.ts";

test("a flooding text is written a few times, its next line has the count, and other texts are not delayed", async () => {
  const time = new VirtualTime();
  const limit = new LogLimit(time);
  const written = Array.from({ length: 10_000 }, () => limit.admit("flood")).filter(({ admitted }) => admitted);
  expect(written).toHaveLength(SAME_LINE_BURST);
  expect(limit.admit("other")).toEqual({ admitted: true, leftOut: 0 });
  await time.advance(SAME_LINE_EVERY_MS);
  expect(limit.admit("flood")).toEqual({ admitted: true, leftOut: 10_000 - SAME_LINE_BURST });
  await time.advance(SAME_LINE_EVERY_MS);
  expect(limit.admit("flood")).toEqual({ admitted: true, leftOut: 0 });
});

test("a flood of different texts is limited as a whole, and every line of it is counted", async () => {
  const time = new VirtualTime();
  const limit = new LogLimit(time);
  const written = Array.from({ length: 5_000 }, (_, n) => limit.admit(`text ${n}`)).filter(({ admitted }) => admitted);
  expect(written).toHaveLength(ALL_LINES_BURST);
  await time.advance(TOLD_AFTER_MS);
  const untold = limit.untold();
  expect(untold.reduce((sum, { leftOut }) => sum + leftOut, 0)).toBe(5_000 - ALL_LINES_BURST);
  expect(limit.untold(true)).toEqual([]);
});

test("a count that no line carries is reported after a while, or at once on request", async () => {
  const time = new VirtualTime();
  const limit = new LogLimit(time);
  for (let n = 0; n < SAME_LINE_BURST + 3; n += 1) limit.admit("flood");
  expect(limit.untold()).toEqual([]);
  expect(limit.untold(true)).toEqual([{ text: "flood", leftOut: 3 }]);
  limit.admit("flood");
  await time.advance(TOLD_AFTER_MS);
  expect(limit.untold()).toEqual([{ text: "flood", leftOut: 1 }]);
});
