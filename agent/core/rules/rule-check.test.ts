import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { DesiredDocumentSchema } from "../../protocol/desired.ts";
import type { Rules } from "../../protocol/rules.ts";
import { checkLines, checkRules } from "./rule-check.ts";

test("the examples of the protocol page are valid and name nothing twice", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/protocol.md"), "utf8");
  const [, example = ""] = /<!-- example rules -->\n```json\n([\s\S]*?)```/.exec(page) ?? [];
  const { rules } = v.parse(DesiredDocumentSchema, JSON.parse(example));
  if (rules === undefined) throw new Error("the example has rules");
  const facts = { hasGpio: true, hearsCec: true, displays: [{ name: "tv", canSwitch: true }], compile: () => ({ ok: true, value: undefined }) as const };
  expect(checkRules(rules, facts)).toBeUndefined();
  const lines = Array.from({ length: 28 }, (_none, offset) => ({ name: `GPIO${offset}`, offset }));
  expect(checkLines(rules, lines, [])).toBeUndefined();
});

const LINES = [{ name: "GPIO17", offset: 17, aliases: ["PIN11", "relay"] }, { name: "GPIO14", offset: 14, reservedFor: "the serial console" }];
const driving = (line: string, watching = "GPIO17"): Rules => ({ table: [{ id: "a", when: [{ kind: "line", line: watching }], do: [{ kind: "line", line, level: 1 }] }] });

test("a line counts under each of its names", () => {
  expect(checkLines(driving("relay", "PIN11"), LINES, [])?.error.code).toBe("rules.conflict");
  expect(checkLines(driving("PIN11", "GPIO17"), LINES, [])?.error.code).toBe("rules.conflict");
});

test("a line that the configuration watches cannot be driven, and a reserved one not used", () => {
  const lines = [...LINES, { name: "GPIO22", offset: 22 }];
  expect(checkLines(driving("relay", "GPIO22"), lines, [])).toBeUndefined();
  expect(checkLines(driving("relay", "GPIO22"), lines, ["PIN11"])?.error).toMatchObject({ code: "rules.conflict", message: expect.stringContaining("rules.table[0].do[0].line") as string });
  expect(checkLines(driving("relay", "GPIO14"), lines, [])?.error).toMatchObject({ code: "rules.not-there", message: expect.stringContaining("serial console") as string });
});
