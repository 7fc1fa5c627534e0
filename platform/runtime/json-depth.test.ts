import { expect, test } from "vitest";
import type { Json } from "./json.ts";
import { isDeeperThan } from "./json-depth.ts";

test("counts nested objects and arrays without exhausting the stack", () => {
  expect(isDeeperThan(5, 0)).toBe(false);
  expect(isDeeperThan({ a: [1] }, 1)).toBe(false);
  expect(isDeeperThan({ a: [{}] }, 1)).toBe(true);
  let deep: Json = [];
  for (let level = 0; level < 200_000; level += 1) deep = [deep];
  expect(isDeeperThan(deep, 100_000)).toBe(true);
});
