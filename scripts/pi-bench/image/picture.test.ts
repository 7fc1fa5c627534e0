import { expect, test } from "vitest";
import { readPpm, shareOf } from "./picture.ts";

/** Two pixels side by side. */
const FILE = Buffer.concat([Buffer.from("P6\n2 1\n255\n", "latin1"), Buffer.from([200, 30, 10, 0, 0, 0])]);

test("a screendump is read, and the share of a colour counted with some tolerance", () => {
  const picture = readPpm(FILE);
  expect([picture.width, picture.height]).toEqual([2, 1]);
  expect([shareOf(picture, [196, 34, 8]), shareOf(picture, [0, 0, 0]), shareOf(picture, [180, 30, 10])]).toEqual([0.5, 0.5, 0]);
});

test.each([
  ["another format", Buffer.from("P5\n2 1\n255\n......"), /not a binary PPM/],
  ["a file that ends early", FILE.subarray(0, FILE.length - 1), /2 by 1 pixels with 5 bytes/],
])("%s is an error that says so", (_what, file, message) => {
  expect(() => readPpm(file)).toThrow(message);
});
