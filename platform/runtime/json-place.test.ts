import { expect, test } from "vitest";
import { placeInJson } from "./json-place.ts";

const TEXT = '{\r\n  "name": "a: {\\"b\\"",\r\n  "network": {\r\n    "wifi": { "ssid": "Grüße", "hidden": true },\r\n    "dns": ["192.0.2.1",\r\n      { "b": 1 }]\r\n  }\r\n}';

test.each([
  [[], 1, 1], [["name"], 2, 3], [["network", "wifi"], 4, 5], [["network", "wifi", "hidden"], 4, 32], [["network", "dns", 0], 5, 13], [["network", "dns", 1, "b"], 6, 9],
])("finds %j in line %i, column %i", (path, line, column) => {
  expect(placeInJson(TEXT, path)).toEqual({ line, column });
});

test("gives the deepest entry on the way to one that is missing", () => {
  expect(placeInJson(TEXT, ["network", "wifi", "password"])).toEqual({ line: 4, column: 5 });
  expect(placeInJson(TEXT, ["country"])).toEqual({ line: 1, column: 1 });
  expect(placeInJson("", ["country"])).toEqual({ line: 1, column: 1 });
});

test("of a name that occurs twice the last is the one that counts", () => {
  expect(placeInJson('{ "a": 1,\n"a": 2 }', ["a"])).toEqual({ line: 2, column: 1 });
});
