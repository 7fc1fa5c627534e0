import { expect, test } from "vitest";
import { withWords } from "./browser-process.ts";

const BUS = `[3177:3215:1130/023134.254561:ERROR:dbus/bus.cc:405] Failed to connect to the bus: Could not parse server address\n`;

test("a browser's last output becomes one line, without the usual complaint about a missing message bus", () => {
  expect(withWords("it ended with code 127", `${BUS}libgbm.so.1: cannot open\n  shared object file\n${BUS}`)).toBe("it ended with code 127. Its last words: libgbm.so.1: cannot open | shared object file");
  expect(withWords("it ended with code 1", BUS)).toBe("it ended with code 1, and said nothing");
});

test("the last output is limited to 600 characters of whole lines, or the end of a longer line", () => {
  const lines = Array.from({ length: 9 }, (_, n) => `${n}${"x".repeat(99)}`);
  expect(withWords("", lines.join("\n")).split(": ").at(-1)?.split(" | ").map((line) => line[0])).toEqual(["4", "5", "6", "7", "8"]);
  expect(withWords("", `${"y".repeat(2_000)}end`)).toMatch(/: y{597}end$/);
});
