import { expect, test } from "vitest";
import type { Gap } from "../../../agent/protocol/records.ts";
import { judge, newLedger, type Ledger, type StoredRecord } from "./ledger.ts";

/** Three acknowledged and stored plays, one command with one effect and one outcome. */
function good(): { ledger: Ledger; stored: StoredRecord[] } {
  const ledger = newLedger();
  for (const id of ["a", "b", "c"]) ledger.pages.set(id, { id, stream: "play", fate: { kind: "stored" } });
  ledger.commands.set("k", { id: "k", name: "gpio.pulse", witnessed: { kind: "pulse", line: "GPIO4" }, effects: 1, state: "succeeded" });
  const stored: StoredRecord[] = ["a", "b", "c"].map((page, index) => ({ log: "l", stream: "play", seq: index + 1, page }));
  stored.push({ log: "l", stream: "outcome", seq: 1, command: "k/1" });
  return { ledger, stored };
}

const gap = (over: Partial<Gap>): StoredRecord => ({ log: "l", stream: "alarm", seq: 1, gap: { stream: "play", reason: "corrupt", count: 1, ...over } });

test("a ledger that matches the store has no violation", () => {
  const { ledger, stored } = good();
  expect(judge(ledger, stored)).toMatchObject({ violations: [], acknowledged: 3, stored: 3, effects: 1 });
});

test("an acknowledged record that is not stored is a violation unless a gap record covers it", () => {
  const { ledger, stored } = good();
  const without = stored.filter(({ page }) => page !== "b");
  expect(judge(ledger, without).violations.join()).toMatch(/1 acknowledged play records are not stored.*1 sequence numbers are missing/s);
  expect(judge(ledger, [...without, gap({ from: 2, to: 2 })]).violations).toEqual([]);
  expect(judge(ledger, [...without, gap({ from: 2, to: 2, reason: "rate" })]).violations.join()).toMatch(/not stored, and gap records cover 0/);
});

test("a record stored twice, and a number stored twice, are violations", () => {
  const { ledger, stored } = good();
  expect(judge(ledger, [...stored, { log: "l", stream: "play", seq: 4, page: "a" }]).violations).toEqual(["play a is stored 2 times"]);
  expect(judge(ledger, [...stored, { log: "l", stream: "play", seq: 3 }]).violations).toEqual(["l play 3 is stored twice"]);
});

test("a sequence number with another body is a violation", () => {
  const { ledger, stored } = good();
  ledger.reuses.push({ log: "l", stream: "play", seq: 1, was: "x", is: "y" });
  expect(judge(ledger, stored).violations[0]).toMatch(/number reused/);
});

test("no outcome, two outcomes, two effects, none after success and one after a refusal are violations", () => {
  const { ledger, stored } = good();
  expect(judge(ledger, stored.filter(({ command }) => command === undefined)).violations[0]).toMatch(/has 0 outcomes/);
  expect(judge(ledger, [...stored, { log: "l", stream: "outcome", seq: 2, command: "k/1" }]).violations[0]).toMatch(/has 2 outcomes/);
  const command = ledger.commands.get("k");
  if (command === undefined) throw new Error("it is there");
  command.effects = 2;
  expect(judge(ledger, stored).violations[0]).toMatch(/had 2 effects/);
  command.effects = 0;
  expect(judge(ledger, stored).violations[0]).toMatch(/succeeded and had no effect/);
  Object.assign(command, { effects: 1, state: "expired" });
  expect(judge(ledger, stored).violations[0]).toMatch(/was expired and had an effect/);
});

test("other faults are reported as violations", () => {
  const { ledger, stored } = good();
  ledger.faults.push("the agent ended by itself");
  expect(judge(ledger, stored).violations).toEqual(["the agent ended by itself"]);
});
