import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CODES } from "../../platform/ports/codes.ts";
import { codesDoc } from "./codes-doc.ts";

test("docs/codes.md is up to date; else run: node scripts/docs/codes-doc.ts", () => {
  expect(readFileSync(new URL("../../docs/codes.md", import.meta.url), "utf8")).toBe(codesDoc());
});

test("the table is in order, and every entry is a sentence", () => {
  const codes = Object.keys(CODES);
  const key = (code: string): string => code.replace(".", " ");
  expect(codes).toEqual([...codes].sort((a, b) => (key(a) < key(b) ? -1 : 1)));
  for (const [code, [, ...sentences]] of Object.entries(CODES)) for (const sentence of sentences) expect([code, sentence]).toEqual([code, expect.stringMatching(/^[A-Z`].*\.$/)]);
});
