import { expect, test } from "vitest";
import { decide, type ManualChoice, type RuleClaim } from "./decision.ts";
import type { Wanted } from "./desired-key.ts";

const on: Wanted = { kind: "value", value: "on" };
const lit: Wanted = { kind: "value", value: "on", bySchedule: "lit", untilMs: 7 };
const dark: Wanted = { kind: "value", value: "standby", bySchedule: "dark", untilMs: 7 };
const clockless: Wanted = { kind: "no-opinion", why: { code: "schedule.clock-unset", message: "no clock" } };
const refused: Wanted = { kind: "refused", error: { code: "schedule.missing", message: "none" } };
const claim = (value: string): RuleClaim => ({ rule: "lobby", value });
const manual = (value: string, by: ManualChoice["by"] = "command"): ManualChoice => ({ value, by });

test.each<[string, Wanted | undefined, RuleClaim | undefined, ManualChoice | undefined, string, unknown]>([
  ["nobody wants anything", undefined, undefined, undefined, "nobody", undefined],
  ["the document's value", on, undefined, undefined, "document", "on"],
  ["a schedule that says on", lit, undefined, undefined, "schedule", "on"],
  ["a rule over the document's value", on, claim("standby"), undefined, "rule", "standby"],
  ["a rule where the document says nothing", undefined, claim("on"), undefined, "rule", "on"],
  ["a rule within the hours of the schedule", lit, claim("standby"), undefined, "rule", "standby"],
  ["a schedule that says off over a rule", dark, claim("on"), undefined, "schedule", "standby"],
  ["a rule while the clock is not set", clockless, claim("on"), undefined, "rule", "on"],
  ["a refused value over a rule", refused, claim("on"), undefined, "document", undefined],
  ["a command over a rule", on, claim("on"), manual("standby"), "command", "standby"],
  ["a command over a schedule that says off", dark, claim("standby"), manual("on"), "command", "on"],
  ["the remote control over a rule and a schedule", lit, claim("on"), manual("standby", "remote"), "remote", "standby"],
  ["a person who pressed for a rule over another rule", on, claim("on"), manual("standby", "person"), "person", "standby"],
])("%s decides", (_what, base, rule, hand, by, value) => {
  const decision = decide(base, rule, hand);
  expect([decision.by, decision.wanted?.kind === "value" ? decision.wanted.value : undefined]).toEqual([by, value]);
});

test("what somebody switched on the hardware itself is left alone; what they pressed for is kept so", () => {
  expect((["command", "remote", "person"] as const).map((by) => decide(on, undefined, manual("standby", by)).handsOff)).toEqual([true, true, false]);
});
