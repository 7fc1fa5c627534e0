import * as v from "valibot";
import { expect, test } from "vitest";
import { schemaIssueWords } from "./schema-issue.ts";

const schema = v.strictObject({
  text: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(3))),
  percent: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100))),
  choice: v.optional(v.picklist(["on", "standby"])),
  secret: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]+$/))),
  either: v.optional(v.union([v.string(), v.number()])),
  list: v.optional(v.array(v.strictObject({ name: v.string() }))),
  kind: v.optional(v.variant("kind", [v.strictObject({ kind: v.literal("url") }), v.strictObject({ kind: v.literal("package") })])),
  own: v.optional(v.pipe(v.string(), v.check(() => false, "must be a name of this site"))),
});

test.each([
  [{ colour: 1 }, 'there is no key "colour"'],
  [{ list: [{}] }, '"name" is missing'],
  [{ list: {} }, "must be a list, and is a JSON object"],
  [{ text: 3 }, "must be text, and is a number"],
  [{ text: "" }, "must be 1 or more long, and is 0"],
  [{ text: "abcd" }, "must be 3 at most long, and is 4"],
  [{ percent: 101 }, "must be 100 at most, and is 101"],
  [{ percent: -1 }, "must be 0 or more, and is -1"],
  [{ percent: 1.5 }, "must be a whole number, and is 1.5"],
  [{ percent: "70" }, "must be a number, and is text"],
  [{ choice: "off" }, 'must be "on" or "standby", and is "off"'],
  [{ kind: {} }, 'is missing; it must be "url" or "package"'],
  [{ either: true }, "must be text or a number, and is true"],
  [{ own: "x" }, "must be a name of this site"],
  [null, "must be a JSON object, and is null"],
])("%j: %s", (value, words) => {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  expect(parsed.success ? undefined : schemaIssueWords(parsed.issues[0]).message).toBe(words);
});

test("an unknown key has a hint", () => {
  const parsed = v.safeParse(schema, { colour: 1 });
  expect(parsed.success ? undefined : schemaIssueWords(parsed.issues[0]).hint).toBe("check its spelling, or leave it out");
});

test("a value that may be a secret is not repeated", () => {
  for (const value of [{ secret: "hunter2!" }, { secret: 12345678 }]) {
    const parsed = v.safeParse(schema, value);
    expect(parsed.success ? "" : JSON.stringify(schemaIssueWords(parsed.issues[0]))).not.toMatch(/hunter2|12345678/);
  }
});
