import { expect, test } from "vitest";
import { childrenSeconds, kilobytes, sumOfRunTimes } from "./proc-files.ts";

test("the children's time is found after any program name", () => {
  const stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 7 3 20 0 11 0 1 2 3";
  expect(childrenSeconds(stat)).toBe(0.1);
});

test("run times of threads are added up, from nanoseconds", () => {
  expect(sumOfRunTimes(["1500000000 20 3\n", "500000000 1 1\n", "0"])).toBe(2);
});

test("fields of status files are found by their full name", () => {
  const status = "Name:\tnode\nVmHWM:\t  900 kB\nVmRSS:\t  800 kB\nRssAnon:\t 300 kB\n";
  expect(kilobytes(status, "VmRSS")).toBe(800);
  expect(kilobytes(status, "RssAnon")).toBe(300);
  expect(() => kilobytes(status, "RSS")).toThrow("RSS");
});
