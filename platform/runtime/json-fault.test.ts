import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonFault } from "./json-fault.ts";
import { parseJson } from "./json.ts";

test.each([
  ['{\n  "a": 1,\n}', 2, 9, "comma after the last entry"],
  ['{"a":[1,2,]}', 1, 10, "comma after the last entry"],
  ['{\r\n  "a": 1\r\n  "b": 2\r\n}', 3, 3, 'comma is missing before "'],
  ['{\n  “a”: 1}', 2, 3, "curly quote"],
  ["{'a': 1}", 1, 2, "single quote"],
  ['{"a": “x”}', 1, 7, "curly quote"],
  ['{"a": 1', 1, 8, "{ of line 1 is still open"],
  ['{"a": "x\n}', 1, 7, "not closed on its line"],
  ['{"a": "C:\\data"}', 1, 10, "backslash"],
  ['{"a": 192.0.2.4}', 1, 7, "not a number"],
  ['{"a": yes}', 1, 7, "a value is expected, not y"],
  ["{a: 1}", 1, 2, "a name in quotes is expected, not a"],
  ['{"a" 1}', 1, 6, "a colon is expected"],
  ['{"a": 1,, "b": 2}', 1, 9, "comma too many"],
  ['{"a": [1}', 1, 9, "] is expected, not }"],
  ['{"a": 1} x', 1, 10, "there is x after the end"],
  ["// my screen\n{}", 1, 1, "no comments"],
  ['{"ä😀": \u00a01}', 1, 8, "U+00A0"],
  ["", 1, 1, "ends too early"],
])("says where and why %j is not JSON", (text, line, column, words) => {
  const fault = jsonFault(text);
  expect(fault).toMatchObject({ line, column });
  expect(fault?.message).toContain(words);
  expect(fault?.hint).not.toBe("");
});

test("finds a fault in exactly the texts that JSON.parse refuses", () => {
  const pieces = fc.array(fc.constantFrom("{", "}", "[", "]", ",", ":", '"', '"a"', "1", "-", "0", ".5", "e3", "true", "null", " ", "\n", "\t", "\\", "\\n", "\\u00e4", "x", "\u0000"), { maxLength: 14 });
  const valid = fc.json();
  const cut = fc.tuple(fc.json(), fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1)) + text.slice((at % (text.length + 1)) + 1));
  fc.assert(
    fc.property(fc.oneof(pieces.map((each) => each.join("")), valid, cut), (text) => {
      expect(jsonFault(text) === undefined).toBe(parseJson(text) !== undefined);
    }),
    { numRuns: 2_000 },
  );
});

test("gives up on a text that is nested too deeply, without exhausting the stack", () => {
  expect(jsonFault("[".repeat(100_000))?.message).toContain("nested too deeply");
});
