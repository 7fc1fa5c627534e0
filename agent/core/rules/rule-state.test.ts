import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { freshRule, stepRule, type RuleAct, type RuleEvent, type RuleMemory, type RuleSettings, type RuleStep, type Side } from "./rule-state.ts";

const HOUR_MS = 3_600_000;
const settings = (over: Partial<RuleSettings> = {}): RuleSettings => ({ hasOtherwise: true, quietMs: 1_000, perHourMax: 100, ...over });

/** Feeds events at their times, and `tick` when it is due. Returns what each act was and when. */
function run(events: readonly (readonly [atMs: number, event: RuleEvent])[], how: RuleSettings = settings(), side?: Side): { readonly memory: RuleMemory; readonly acts: readonly string[] } {
  let last: RuleStep = { memory: freshRule(side), acts: [] };
  const acts: string[] = [];
  const step = (atMs: number, event: RuleEvent): void => {
    last = stepRule(last.memory, event, atMs, how);
    acts.push(...last.acts.map((act) => `${atMs} ${wordsFor(act)}`));
  };
  for (const [atMs, event] of events) {
    for (let due = last.dueMs; due !== undefined && due < atMs; due = last.dueMs) step(due, { on: "tick" });
    step(atMs, event);
  }
  return { memory: last.memory, acts };
}

function wordsFor(act: RuleAct): string {
  if (act.do === "release") return "release";
  return `${act.do} ${act.side}${act.do === "fire" && act.resumed ? " resumed" : ""}`;
}

const level = (active: boolean | undefined): RuleEvent => ({ on: "level", active });
const resume = (active: boolean | undefined): RuleEvent => ({ on: "resume", active });
const press: RuleEvent = { on: "press" };
const tick: RuleEvent = { on: "tick" };

describe("a rule with two sides", () => {
  test("fires when it becomes active, and again when it was quiet long enough", () => {
    expect(run([[0, resume(false)], [2_000, level(true)], [5_000, level(false)], [9_000, tick]]).acts).toEqual(["1000 fire otherwise resumed", "2000 fire do", "6000 fire otherwise"]);
  });

  test("does not fire again when it is active before it was quiet long enough", () => {
    expect(run([[0, resume(true)], [1_000, level(false)], [1_999, level(true)], [3_000, level(false)], [3_999, tick]]).acts).toEqual(["0 fire do resumed"]);
  });

  test("an activity right after the start counts, even though nothing has been quiet yet", () => {
    expect(run([[0, resume(false)], [500, level(true)]]).acts).toEqual(["500 fire do"]);
    expect(run([[0, resume(false)], [500, press]]).acts).toEqual(["500 fire do"]);
  });

  test("a press lasts as long as the quiet time, and another one prolongs it", () => {
    expect(run([[0, resume(false)], [2_000, press], [2_900, press], [9_000, tick]]).acts).toEqual(["1000 fire otherwise resumed", "2000 fire do", "3900 fire otherwise"]);
  });

  test.each<[string, Side | undefined, boolean | undefined, readonly string[]]>([
    ["in its quiet time: what is in force is claimed, and the quiet time begins anew", "do", false, ["0 restore do", "1000 fire otherwise resumed"]],
    ["while it was active", "do", true, ["0 restore do"]],
    ["after it was over", "otherwise", false, ["0 restore otherwise"]],
    ["after it was over, and somebody came meanwhile", "otherwise", true, ["0 fire do resumed"]],
    ["with an input that cannot be read: nothing changes", "do", undefined, ["0 restore do"]],
  ])("a restart %s", (_what, side, active, acts) => {
    expect(run([[0, resume(active)], [5_000, tick]], settings(), side).acts).toEqual(acts);
  });

  test("an input that cannot be read any more changes nothing until it can be read again", () => {
    const { acts } = run([[0, resume(true)], [100, level(undefined)], [9_000, tick], [10_000, level(false)], [20_000, tick]]);
    expect(acts).toEqual(["0 fire do resumed", "11000 fire otherwise resumed"]);
  });

  test("the end of its hours releases what it wants, and a step of the clock that changes nothing does nothing", () => {
    expect(run([[0, resume(true)], [10, resume(true)], [20, { on: "off" }], [30, level(true)], [40, { on: "off" }], [50, press]]).acts).toEqual(["0 fire do resumed", "20 release"]);
  });

  test("what the rate limit held back is caught up with, unless it is over by then", () => {
    const how = settings({ quietMs: 0, perHourMax: 2 });
    const busy = [[0, resume(false)], [1, level(true)], [2, level(false)], [3, level(true)]] as const;
    expect(run([...busy, [HOUR_MS + 10, tick]], how).acts).toEqual(["0 fire otherwise resumed", "1 fire do", "2 suppress otherwise"]);
    expect(run([...busy, [4, level(false)], [HOUR_MS + 10, tick]], how).acts).toEqual(["0 fire otherwise resumed", "1 fire do", "2 suppress otherwise", "4 suppress otherwise", `${HOUR_MS} fire otherwise resumed`]);
  });
});

describe("a rule with one side", () => {
  const one = settings({ hasOtherwise: false });

  test("fires at every press or activity that comes after the quiet time", () => {
    expect(run([[0, resume(false)], [1, press], [500, press], [1_600, press], [3_000, level(true)], [3_001, level(false)], [3_500, level(true)]], one).acts).toEqual(["1 fire do", "1600 fire do", "3000 fire do"]);
  });

  test("does not fire late when the rate limit held it back", () => {
    expect(run([[0, resume(false)], [1, press], [2_000, press], [HOUR_MS + 10, tick]], { ...one, perHourMax: 1 }).acts).toEqual(["1 fire do", "2000 suppress do"]);
  });
});

test("whatever happens, it fires at most as often as allowed in any hour, and two-sided firings alternate", () => {
  const anyEvent = fc.oneof(
    fc.constantFrom<RuleEvent>(press, tick, { on: "off" }),
    fc.record({ on: fc.constantFrom("level" as const, "resume" as const), active: fc.constantFrom(true, false, undefined) }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(600_000), anyEvent), { maxLength: 120 }), fc.nat(5_000), fc.integer({ min: 1, max: 6 }), fc.boolean(), (steps, quietMs, perHourMax, hasOtherwise) => {
      let atMs = 0;
      const events = steps.map(([afterMs, event]) => [(atMs += afterMs), event] as const);
      const fired = run(events, { quietMs, perHourMax, hasOtherwise }).acts.flatMap((act) => {
        const [at = "", what, side] = act.split(" ");
        return what === "fire" || what === "release" ? [{ atMs: Number(at), what, side }] : [];
      });
      const fires = fired.filter(({ what }) => what === "fire");
      for (const { atMs: from } of fires) expect(fires.filter((each) => each.atMs >= from && each.atMs < from + HOUR_MS).length).toBeLessThanOrEqual(perHourMax);
      const repeated = fired.filter(({ what, side }, at) => hasOtherwise && what === "fire" && fired[at - 1]?.side === side);
      expect(repeated).toEqual([]);
    }),
  );
});
