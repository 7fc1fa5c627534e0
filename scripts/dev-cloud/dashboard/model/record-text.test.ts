import { expect, test } from "vitest";
import type { RecordView } from "./api-types.ts";
import { lineOf } from "./record-text.ts";

const rule = (name: string, data: object): RecordView => ({ stream: "event", kind: "rule", body: { name, data: { rule: "presence", side: "do", ...data } } }) as unknown as RecordView;

test("a firing of a rule shows its input and effects, and whether one went wrong", () => {
  const input = { kind: "line", line: "GPIO17", level: 1 };
  expect(lineOf(rule("rule.fired", { input, effects: [{ kind: "page-message" }] }))).toMatchObject({ tone: "good", title: "rule presence: do", detail: expect.stringContaining("GPIO17") as string });
  expect(lineOf(rule("rule.fired", { input, effects: [{ kind: "page-message", error: { code: "player.absent" } }] })).tone).toBe("warn");
});

test("a suppressed firing says who decides instead, or that it was too often", () => {
  expect(lineOf(rule("rule.suppressed", { reason: "overridden", by: "command", why: "a command set \"standby\"" }))).toMatchObject({ tone: "warn", title: "rule presence: do suppressed", detail: 'command decides: a command set "standby"' });
  expect(lineOf(rule("rule.not-restored", { effects: [{ kind: "line", error: { code: "gpio.busy" } }] }))).toMatchObject({ tone: "warn", title: "rule presence: do not restored", detail: expect.stringContaining("gpio.busy") as string });
  expect(lineOf(rule("rule.suppressed", { reason: "rate-limit" })).detail).toBe("rate-limit");
});
