import { resolve } from "node:path";
import { expect, test } from "vitest";
import { CODES } from "../../platform/ports/codes.ts";
import { checkCodes } from "./codes.ts";
import { readTree } from "./read-tree.ts";

test("every code in the source is in the table, and every code in the table is in the source", async () => {
  expect(checkCodes(await readTree(resolve(import.meta.dirname, "../..")), Object.keys(CODES))).toEqual({ unlisted: [], dead: [], loading: [] });
});

const TABLE = ["a.known", "a.dead", "http.<status>", "gpio.no-answer", "unit.<name>"];

test.each([
  ["a failure", 'return fail("a.invented", "x");', "a.invented"],
  ["a failure over several lines", 'return fail(\n  "a.invented",\n  "x",\n);', "a.invented"],
  ["an issue", 'const error = { code: "a.invented", message };', "a.invented"],
  ["either of two", 'const error = { code: early ? "a.known" : "a.invented" };', "a.invented"],
  ["a comparison", 'if (error.code === "a.invented") return;', "a.invented"],
  ["an alarm", 'alarms.raise("a.invented", "error", message);', "a.invented"],
  ["a named alarm", 'export const LOST_ALARM = "a.invented";', "a.invented"],
  ["a counter", 'counters.refused.add("a.invented");', "a.invented"],
  ["a composed one", "const error = { code: `tls.$" + "{status}` };", "tls.$" + "{status}"],
])("the check finds an unlisted code in %s", (_what, text, code) => {
  expect(checkCodes([{ path: "agent/core/a.ts", text }], TABLE).unlisted).toEqual([`agent/core/a.ts: ${code}`]);
});

test("the check finds unused codes; comments, timers and tests do not count as use", () => {
  const composed = "fail(`http.$" + '{status}`, "x"); fail(`$' + '{part}.no-answer`, "x"); return `unit.$' + "{name}`;";
  const text = `fail("a.known", "x");\n// fail("a.dead", "x")\nsleep(timers, "a.dead", 5);\n${composed}`;
  const files = [{ path: "platform/a.ts", text }, { path: "platform/a.test.ts", text: 'fail("a.dead", "x"); fail("b.c", "x")' }, { path: "scripts/a.ts", text: 'fail("a.dead", "x")' }];
  expect(checkCodes(files, TABLE)).toEqual({ unlisted: [], dead: ["a.dead"], loading: [] });
});

test("rows of the table in files of its own are no use of their codes, whatever the files are called", () => {
  const files = [
    { path: "platform/ports/codes.ts", text: 'import type { Entry } from "./entry.ts";\nimport { MORE } from "./more.ts";\nexport const CODES = { ...MORE, "a.known": [] };' },
    { path: "platform/ports/more.ts", text: 'import { REST } from "./deep/rest.ts";\nexport const MORE = { ...REST };' },
    { path: "platform/ports/deep/rest.ts", text: 'export const REST = { "a.dead": [] };' },
    { path: "platform/ports/entry.ts", text: 'export type Entry = "a.known";' },
    { path: "agent/core/a.ts", text: 'import { REST } from "../../platform/ports/deep/rest.ts";' },
  ];
  expect(checkCodes(files, ["a.known", "a.dead"])).toEqual({ unlisted: [], dead: ["a.dead"], loading: ["agent/core/a.ts"] });
});

test.each([
  ['import { CODES } from "../../platform/ports/codes.ts";', ["agent/core/a.ts"]],
  ['import { type Code } from "../../platform/ports/codes.ts";', ["agent/core/a.ts"]],
  ['import type { Code } from "../../platform/ports/codes.ts";', []],
])("the check finds files that load the table at run time: %s", (text, loading) => {
  expect(checkCodes([{ path: "agent/core/a.ts", text }], TABLE).loading).toEqual(loading);
});
