import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { RULES_MAX, RulesSchema } from "./rules.ts";

const rule = { id: "a", when: [{ kind: "line", line: "GPIO17" }], do: [{ kind: "page-message", message: 1 }] };

test.each<[string, unknown]>([
  ["too many rules", { table: Array.from({ length: RULES_MAX + 1 }, (_none, at) => ({ ...rule, id: `a-${at}` })) }],
  ["no input", { table: [{ ...rule, when: [] }] }],
  ["no effect", { table: [{ ...rule, do: [] }] }],
  ["an unknown input", { table: [{ ...rule, when: [{ kind: "smoke" }] }] }],
  ["an unknown field", { table: [{ ...rule, speed: 1 }] }],
  ["a quiet time of more than a day", { table: [{ ...rule, quietMs: 86_400_001 }] }],
  ["a debounce time that no port accepts", { table: [{ ...rule, when: [{ kind: "line", line: "GPIO17", debounceMs: 5_001 }] }] }],
  ["a pulse that no port accepts", { table: [{ ...rule, do: [{ kind: "line", line: "GPIO17", level: 1, pulseMs: 60_001 }] }] }],
  ["no rate at all", { table: [{ ...rule, perHourMax: 0 }] }],
  ["an id with a space", { table: [{ ...rule, id: "a b" }] }],
])("%s is refused", (_what, rules) => {
  expect(v.safeParse(RulesSchema, rules).success).toBe(false);
});

test("the example in docs/hardware.md is a desired document with rules", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/hardware.md"), "utf8");
  const example = /^```json\n(\{ "rules":[^`]+)```/m.exec(text)?.[1] ?? "";
  const { rules } = JSON.parse(example) as { readonly rules: unknown };
  expect(v.safeParse(RulesSchema, rules)).toMatchObject({ success: true, output: { table: [{ id: "presence", quietMs: 600_000 }] } });
});
