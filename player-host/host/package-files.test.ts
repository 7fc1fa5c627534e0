import { expect, test } from "vitest";
import { parseRange, RANGE_BYTES_MAX, WHOLE_BYTES_MAX } from "./package-files.ts";

test("a range is limited to what fits into memory", () => {
  expect(parseRange("bytes=0-", WHOLE_BYTES_MAX * 10)).toEqual({ from: 0, to: RANGE_BYTES_MAX - 1 });
  expect(parseRange("bytes=5-999999999999", 10)).toEqual({ from: 5, to: 9 });
  expect(parseRange("bytes=5-4", 10)).toBe("unsatisfiable");
  expect(parseRange("bytes=0-0", 0)).toBe("unsatisfiable");
  expect(parseRange("bytes=0-1,3-4", 10)).toBeUndefined();
  expect(parseRange("bytes=-", 10)).toBeUndefined();
});
