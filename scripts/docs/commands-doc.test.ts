import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { commandsDoc } from "./commands-doc.ts";
import { wordsOf } from "./schema-words.ts";

describe("docs/commands.md", () => {
  it("is up to date; else run: node scripts/docs/commands-doc.ts", () => {
    expect(readFileSync(new URL("../../docs/commands.md", import.meta.url), "utf8")).toBe(commandsDoc());
  });

  it.each([
    [{ type: "integer", minimum: 1, maximum: 60_000 }, "whole number, 1 to 60000"],
    [{ type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }, "whole number, 0 or more"],
    [{ type: "string", minLength: 1, maxLength: 32 }, "text, 1 to 32 characters"],
    [{ type: "string", pattern: "^(?:a|b)$" }, "text matching `^(?:a\\|b)$`"],
    [{ enum: ["png", "jpeg"], type: "string" }, '`"png"`, `"jpeg"`'],
    [
      { type: "array", items: { type: "integer", minimum: 0, maximum: 255 }, maxItems: 14 },
      "list of (whole number, 0 to 255), at most 14 items",
    ],
    [{ const: "running" }, '`"running"`'],
    [{ type: "object", properties: {} }, "a JSON object"],
    [{ anyOf: [{ type: "boolean" }, { type: "number" }] }, "`true` or `false`, or number"],
    [
      { type: "object", properties: { a: { type: "boolean" } }, required: [] },
      "object with `a` (may be absent): `true` or `false`",
    ],
  ])("puts %j into words", (schema, words) => {
    expect(wordsOf(schema)).toBe(words);
  });
});
