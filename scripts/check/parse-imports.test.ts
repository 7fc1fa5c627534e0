import { describe, expect, test } from "vitest";
import { parseImports } from "./parse-imports.ts";

function specifiers(text: string): string[] {
  return parseImports(text).map(({ kind, specifier }) => `${kind} ${specifier}`);
}

describe("imports are found", () => {
  test.each([
    ['import { a, type B } from "./a.ts";', "static ./a.ts"],
    ['import a from "a";', "static a"],
    ['import a, { b } from "a";', "static a"],
    ['import * as v from "valibot";', "static valibot"],
    ['import type { A } from "./a.ts";', "type ./a.ts"],
    ['import type * as v from "valibot";', "type valibot"],
    ['import type A from "a";', "type a"],
    ['import "./effect.ts";', "static ./effect.ts"],
    ['import{a}from"./a.ts"', "static ./a.ts"],
    ['import {\n  a,\n  b,\n} from "./a.ts";', "static ./a.ts"],
    ['export { a } from "./a.ts";', "static ./a.ts"],
    ['export * from "./a.ts";', "static ./a.ts"],
    ['export type { A } from "./a.ts";', "type ./a.ts"],
    ['import data from "./a.json" with { type: "json" };', "static ./a.json"],
    ['const a = await import("./a.ts");', "dynamic ./a.ts"],
    ["const a = import(`./a.ts`);", "dynamic ./a.ts"],
    ['const a = require("a");', "dynamic a"],
    ["const a = await import(path);", "dynamic ?"],
    ["const a = await import(`./$" + "{name}.ts`);", "dynamic ?"],
    ['type A = import("./a.ts").A;', "dynamic ./a.ts"],
    ['import type from "./type.ts";', "static ./type.ts"],
  ])("%s", (text, expected) => {
    expect(specifiers(text)).toEqual([expected]);
  });
});

test("all imports are found with their line", () => {
  const text = 'import a from "a";\n\nimport {\n  b,\n} from "b";\nconst c = await import("c");\n';
  expect(parseImports(text).map(({ specifier, line }) => [specifier, line])).toEqual([["a", 1], ["b", 3], ["c", 6]]);
});

describe("text that is not an import is not taken for one", () => {
  test.each([
    '// import a from "a";',
    '/* import a from "a"; */',
    '/**\n * import a from "a";\n */',
    'export const a = "from";',
    'export function importAll(from: string): void { call(from, "x"); }',
    'registry.import("a");',
    'import.meta.dirname;',
    'const a = "x" + `\n// not a comment`;',
  ])("%s", (text) => {
    expect(specifiers(text)).toEqual([]);
  });
});
