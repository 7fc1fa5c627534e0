import { describe, expect, test } from "vitest";
import { seen, UNSUPPORTED, unknown, type Reading } from "../../../platform/ports/reading.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import type { Comparison } from "../../../platform/ports/comparison.ts";
import type { KeyOutcome, Wanted } from "./desired-key.ts";
import { afterApply, planKey, SETTLE_MAX_MS, STABLE_AFTER_MS, worldChanged, type KeyMemory } from "./desired-step.ts";
import type { Issue } from "../../../platform/ports/result.ts";

const on: Wanted = { kind: "value", value: "on" };
const delayFor = (strikes: number): number => 1_000 * 2 ** strikes;
const compare = (wanted: Json, observed: Json): Comparison => (wanted === observed ? "same" : observed === "turning" ? "settling" : "different");
const plan = (observed: Reading<Json>, memory?: KeyMemory, nowMs = 0, wanted: Wanted = on) => planKey(wanted, observed, memory, compare, nowMs, delayFor);
const after = (outcome: KeyOutcome, memory: KeyMemory, nowMs = 0) => afterApply("on", outcome, memory, compare, nowMs, delayFor);
const effect = (observed: Reading<Json>, acknowledged?: boolean): KeyOutcome => ({ kind: "effect", effect: { attempted: true, observed, ...(acknowledged === undefined ? {} : { acknowledged }) } });

describe("planning one desired key", () => {
  test("a value that already matches is reported as applied with the observation, and nothing is done", () => {
    expect(plan(seen("on", 0)).step).toEqual({ do: "report", result: { status: "applied", observed: "on" } });
  });

  test("a different value is applied at once, and reported as applied once it is observed", () => {
    const first = plan(seen("standby", 0));
    expect(first.step).toEqual({ do: "apply", value: "on" });
    expect(after(effect(seen("on", 0), true), first.memory).result).toEqual({ status: "applied", observed: "on" });
  });

  test.each([
    ["acknowledged, but another value is observed", effect(seen("standby", 0), true), "desired.not-observed"],
    ["no answer", effect(unknown("silent")), "desired.no-answer"],
    ["refused by the hardware", { kind: "effect", effect: { attempted: true, observed: UNSUPPORTED, error: { code: "display.no-answer", message: "no" } } }, "display.no-answer"],
  ] satisfies readonly (readonly [string, KeyOutcome, string])[])("a failed attempt (%s) is retried with growing delays", (_name, outcome, code) => {
    let memory = plan(seen("standby", 0)).memory;
    let nowMs = 0;
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const done = after(outcome, memory, nowMs);
      expect(done.result).toMatchObject({ status: "failed", error: { code } });
      memory = done.memory;
      const waiting = plan(seen("standby", 0), memory, nowMs + 1);
      expect(waiting.step).toMatchObject({ do: "report", result: { status: "failed", error: { code } } });
      waits.push(memory.nextTryMs - nowMs);
      nowMs = memory.nextTryMs;
      expect(plan(seen("standby", 0), memory, nowMs).step.do).toBe("apply");
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  test("acknowledged but unobserved values are marked as such, and not retried until the hardware changes", () => {
    const { memory } = plan(UNSUPPORTED);
    const cannotBeSeen = after(effect(UNSUPPORTED, true), memory);
    expect(cannotBeSeen.result).toMatchObject({ status: "applied", error: { code: "desired.cannot-be-seen" } });
    expect(cannotBeSeen.result).not.toHaveProperty("observed");
    const notVisible = after(effect(unknown("deaf"), true), memory);
    expect(notVisible.result).toMatchObject({ status: "pending", error: { code: "desired.not-visible" } });
    for (const { memory: taken } of [cannotBeSeen, notVisible]) {
      expect(plan(UNSUPPORTED, taken, 1e9).step.do).toBe("report");
      expect(plan(UNSUPPORTED, worldChanged(taken, 1e9), 1e9).step.do).toBe("apply");
    }
  });

  test("a near value counts as applied only after it was sent, or after the exact value was observed", () => {
    const near = (wanted: Json, observed: Json): Comparison => (wanted === observed ? "same" : "near");
    const look = (observed: number, memory?: KeyMemory) => planKey({ kind: "value", value: 40 }, seen(observed, 0), memory, near, 0, delayFor);
    const first = look(41);
    expect(first.step).toEqual({ do: "apply", value: 40 });
    // Hardware with its own step size turns 40 into 41; the value is not sent again.
    const told = afterApply(40, effect(seen(41, 0), true), first.memory, near, 0, delayFor);
    expect(told.result).toEqual({ status: "applied", observed: 41 });
    expect(look(41, look(41, told.memory).memory).step).toMatchObject({ do: "report", result: { status: "applied" } });
    // A negative acknowledgement is a failure, even when the value is near.
    expect(afterApply(40, effect(seen(41, 0), false), first.memory, near, 0, delayFor).result.status).toBe("failed");
    // The exact value was observed, then one a step away: no drift.
    expect(look(41, look(40).memory).step).toMatchObject({ do: "report", result: { status: "applied", observed: 41 } });
    // A new wanted value is sent.
    expect(planKey({ kind: "value", value: 41 }, seen(40, 0), told.memory, near, 0, delayFor).step).toEqual({ do: "apply", value: 41 });
  });

  test("drift is counted and corrected: at once the first time, with growing delays when it recurs", () => {
    let memory = plan(seen("on", 0)).memory;
    let nowMs = 0;
    const waits: number[] = [];
    for (let i = 1; i <= 4; i++) {
      const drift = plan(seen("standby", 0), memory, nowMs);
      waits.push(drift.memory.nextTryMs - nowMs);
      expect(drift.memory.drifts).toBe(i);
      nowMs = drift.memory.nextTryMs;
      const done = after(effect(seen("on", 0), true), drift.memory, nowMs);
      expect(done.result).toMatchObject({ status: "applied", drifts: i });
      memory = done.memory;
    }
    expect(waits).toEqual([0, 2_000, 4_000, 8_000]);
    const calm = plan(seen("on", 0), memory, nowMs + STABLE_AFTER_MS).memory;
    expect(plan(seen("standby", 0), calm, nowMs + STABLE_AFTER_MS + 1).step.do).toBe("apply");
  });

  test("a value that cannot be read for a while does not count as drift", () => {
    const held = plan(seen("on", 0)).memory;
    const blind = plan(unknown("the cable is out"), held, 10);
    expect(blind.step).toMatchObject({ do: "report", result: { status: "pending", error: { code: "desired.not-visible" } } });
    expect(blind.memory.drifts).toBe(0);
  });

  test("a settling value is awaited without a strike, but not forever", () => {
    const first = plan(seen("standby", 0));
    const started = after(effect(seen("turning", 0), true), first.memory, 0);
    expect(started.result).toEqual({ status: "pending", observed: "turning" });
    const arrived = plan(seen("on", 0), started.memory, 4_000);
    expect(arrived.step).toMatchObject({ result: { status: "applied" } });
    expect(arrived.memory.strikes).toBe(0);
    const stuck = plan(seen("turning", 0), started.memory, 4_000);
    expect(stuck.step.do).toBe("report");
    expect(plan(seen("turning", 0), stuck.memory, 4_000 + SETTLE_MAX_MS).step.do).toBe("apply");
    // Returning to the old value counts as a failure.
    expect(plan(seen("standby", 0), started.memory, 4_000).memory.strikes).toBe(1);
  });

  test("refused and unsupported are final until another value is wanted", () => {
    const { memory } = plan(seen("standby", 0));
    for (const kind of ["refused", "unsupported"] as const) {
      const done = after({ kind, error: { code: "display.no-such-input", message: "no" } }, memory);
      expect(done.result).toEqual({ status: kind, error: { code: "display.no-such-input", message: "no" } });
      expect(plan(seen("standby", 0), done.memory, 1e9).step.do).toBe("report");
      expect(plan(seen("standby", 0), done.memory, 1e9, { kind: "value", value: "other" }).step.do).toBe("apply");
    }
  });

  test("a value that cannot be had for a while keeps its failures, but neither a refusal nor the time that it held", () => {
    const gone: Wanted = { kind: "refused", error: { code: "display.no-such-mode", message: "no" } };
    const failed = after(effect(seen("standby", 0), true), plan(seen("standby", 0)).memory).memory;
    const back = plan(seen("standby", 0), plan(seen("standby", 0), failed, 10, gone).memory, 20);
    expect([back.step.do, back.memory.strikes, back.memory.nextTryMs]).toEqual(["report", 1, failed.nextTryMs]);
    const final = after({ kind: "refused", error: gone.error }, failed).memory;
    expect(plan(seen("standby", 0), plan(seen("standby", 0), final, 10, gone).memory, failed.nextTryMs).step.do).toBe("apply");
    const held = after(effect(seen("on", 0), true), failed).memory;
    const heldAgain = plan(seen("on", 0), plan(seen("standby", 0), held, STABLE_AFTER_MS - 1, gone).memory, STABLE_AFTER_MS + 1);
    expect(heldAgain.memory).toMatchObject({ strikes: 1, heldSinceMs: STABLE_AFTER_MS - 1 });
    // An order of long ago holds nothing back.
    expect(plan(seen("standby", 0), plan(seen("standby", 0), held, STABLE_AFTER_MS, gone).memory, STABLE_AFTER_MS).step.do).toBe("apply");
  });

  test("an attempt that has to wait for something else is pending and leaves no strike", () => {
    const busy: Issue = { code: "cloud.way-busy", message: "busy" };
    for (const failedBefore of [0, 2]) {
      let { memory } = plan(seen("standby", 0));
      for (let n = 0; n < failedBefore; n += 1) memory = after(effect(seen("standby", 0), true), memory).memory;
      const done = after({ kind: "pending", error: busy }, memory);
      expect(done).toEqual({ result: { status: "pending", error: busy }, memory });
    }
    expect(after({ kind: "pending" }, plan(seen("standby", 0)).memory).result).toEqual({ status: "pending" });
  });

  test("a key whose value cannot be determined is left as it is and reported as pending", () => {
    const why: Issue = { code: "schedule.clock-unset", message: "no clock" };
    expect(plan(seen("standby", 0), undefined, 0, { kind: "no-opinion", why }).step).toEqual({ do: "report", result: { status: "pending", error: why, observed: "standby" } });
  });
});
