import { describe, expect, it } from "vitest";
import {
  RESTARTS_MAX,
  step,
  type Command,
  type CommandEvent,
  type CommandState,
  type Phase,
  type Step,
} from "./command-state.ts";
import type { Moment } from "./journal-entry.ts";
import type { Issue } from "../../../platform/ports/result.ts";

const NOW: Moment = { wallMs: 50_000, boot: "one", upMs: 9_000 };
const STARTED: Moment = { wallMs: 40_000, boot: "one", upMs: 7_000 };
const ISSUE: Issue = { code: "display.no-answer", message: "an issue" };
const EFFECT = { attempted: true, observed: { kind: "unsupported" } } as const;

const PHASES: Readonly<Record<string, Phase>> = {
  executing: { kind: "executing" },
  canceling: { kind: "canceling" },
  resolving: { kind: "resolving", overdue: false, cancel: false },
  "resolving, canceled": { kind: "resolving", overdue: false, cancel: true },
  "resolving, overdue": { kind: "resolving", overdue: true, cancel: false },
  "awaiting-restart": { kind: "awaiting-restart" },
};

const STATES: Readonly<Record<string, CommandState>> = {
  delivered: { kind: "delivered" },
  ...Object.fromEntries(Object.entries(PHASES).map(([name, phase]) => [name, { kind: "running", started: STARTED, phase }])),
  final: { kind: "final", outcome: { id: "a", attempt: 1, name: "reboot", state: "timed-out", error: ISSUE }, finishedWallMs: 1 },
};

const EVENTS: Readonly<Record<string, CommandEvent>> = {
  turn: { t: "turn" },
  expired: { t: "expired", error: ISSUE },
  intended: { t: "intended", note: { pid: 7 } },
  "settled: succeeded": { t: "settled", execution: { state: "succeeded", result: { ok: true }, effect: EFFECT } },
  "settled: failed": { t: "settled", execution: { state: "failed", error: ISSUE, effect: EFFECT } },
  "settled: rejected": { t: "settled", execution: { state: "rejected", error: ISSUE } },
  "settled: awaits-restart": { t: "settled", execution: { state: "awaits-restart" } },
  threw: { t: "threw", message: "boom" },
  "intent-refused": { t: "intent-refused", error: ISSUE },
  restored: { t: "restored" },
  "resolved: succeeded": { t: "resolved", answer: { state: "succeeded", result: {} } },
  "resolved: failed": { t: "resolved", answer: { state: "failed", error: ISSUE } },
  "resolved: not-started": { t: "resolved", answer: { state: "not-started" } },
  "resolved: not-started, expired": { t: "resolved", answer: { state: "not-started" }, expired: ISSUE },
  "resolved: awaits-restart": { t: "resolved", answer: { state: "awaits-restart" } },
  "resolved: unknown": { t: "resolved", answer: { state: "unknown" } },
  "resolved: unknown, expired": { t: "resolved", answer: { state: "unknown" }, expired: ISSUE },
  cancel: { t: "cancel" },
  "timed-out": { t: "timed-out", error: ISSUE },
  abandoned: { t: "abandoned" },
};

function command(state: CommandState, fields: Partial<Command> = {}): Command {
  return { id: "a", attempt: 1, name: "reboot", afterCrash: "ask", restarts: 0, state, ...fields };
}

function where(state: CommandState): string {
  if (state.kind === "final") return `final ${state.outcome.state}`;
  if (state.kind !== "running") return state.kind;
  const { phase } = state;
  return phase.kind === "resolving" ? `resolving${phase.overdue ? " overdue" : ""}${phase.cancel ? " cancel" : ""}` : phase.kind;
}

/** The new state with `!` when it is journaled first, and the effects; `undefined` when nothing happens. */
function told({ command: after, effects, persist }: Step, before: CommandState): string | undefined {
  const done = effects.map((effect) => (effect.do === "abort" ? `abort ${effect.reason}` : effect.do));
  if (after.state === before && effects.length === 0 && !persist) return undefined;
  return [`${persist ? "!" : ""}${where(after.state)}`, ...done].join(", ");
}

/** Every pair of state and event in which something happens; any other pair changes nothing. */
const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  delivered: {
    turn: "!executing, execute",
    expired: "!final expired, hand-over",
    cancel: "!final canceled, hand-over",
  },
  executing: {
    intended: "!executing",
    "settled: succeeded": "!final succeeded, hand-over",
    "settled: failed": "!final failed, hand-over",
    "settled: rejected": "!final rejected, hand-over",
    "settled: awaits-restart": "awaiting-restart, await-restart",
    threw: "!final failed, hand-over",
    "intent-refused": "!final failed, hand-over",
    restored: "!resolving, resolve",
    cancel: "canceling, abort canceled",
    "timed-out": "!final timed-out, abort timed-out, hand-over",
  },
  canceling: {
    "settled: succeeded": "!final succeeded, hand-over",
    "settled: failed": "!final canceled, hand-over",
    "settled: rejected": "!final canceled, hand-over",
    "settled: awaits-restart": "awaiting-restart, await-restart",
    threw: "!final canceled, hand-over",
    "intent-refused": "!final failed, hand-over",
    restored: "!resolving, resolve",
    "timed-out": "!final timed-out, abort timed-out, hand-over",
    abandoned: "!final canceled, hand-over",
  },
  resolving: {
    restored: "!resolving, resolve",
    "resolved: succeeded": "!final succeeded, hand-over",
    "resolved: failed": "!final failed, hand-over",
    "resolved: not-started": "executing, execute",
    "resolved: not-started, expired": "!final expired, hand-over",
    "resolved: awaits-restart": "awaiting-restart, await-restart",
    "resolved: unknown": "!final failed, hand-over",
    "resolved: unknown, expired": "!final failed, hand-over",
    cancel: "resolving cancel",
    "timed-out": "!final timed-out, abort timed-out, hand-over",
  },
  "resolving, canceled": {
    restored: "!resolving, resolve",
    "resolved: succeeded": "!final succeeded, hand-over",
    "resolved: failed": "!final failed, hand-over",
    "resolved: not-started": "!final canceled, hand-over",
    "resolved: not-started, expired": "!final canceled, hand-over",
    "resolved: awaits-restart": "awaiting-restart, await-restart",
    "resolved: unknown": "!final failed, hand-over",
    "resolved: unknown, expired": "!final failed, hand-over",
    cancel: "resolving cancel",
    "timed-out": "!final timed-out, abort timed-out, hand-over",
  },
  "resolving, overdue": {
    restored: "!resolving, resolve",
    "resolved: succeeded": "!final succeeded, hand-over",
    "resolved: failed": "!final failed, hand-over",
    "resolved: not-started": "executing, execute",
    "resolved: not-started, expired": "!final expired, hand-over",
    // Still waiting after the time-out: the restart will not come.
    "resolved: awaits-restart": "!final timed-out, hand-over",
    "resolved: unknown": "!final failed, hand-over",
    "resolved: unknown, expired": "!final failed, hand-over",
    cancel: "resolving overdue cancel",
    "timed-out": "!final timed-out, abort timed-out, hand-over",
  },
  "awaiting-restart": {
    restored: "!resolving, resolve",
    "timed-out": "resolving overdue, resolve",
  },
  final: {
    "settled: succeeded": "final timed-out, note",
    "settled: failed": "final timed-out, note",
    "settled: rejected": "final timed-out, note",
    "settled: awaits-restart": "final timed-out, note",
    threw: "final timed-out, note",
  },
};

describe("the state table of a command", () => {
  it.each(Object.keys(STATES))("%s", (name) => {
    const state = STATES[name] ?? { kind: "delivered" };
    const happens: Record<string, string> = {};
    for (const [event, what] of Object.entries(EVENTS)) {
      const outcome = told(step(command(state), what, NOW), state);
      if (outcome !== undefined) happens[event] = outcome;
    }
    expect(happens).toEqual(TABLE[name]);
  });

  it("runs a harmless command again when its outcome is unknown, unless it was canceled or has expired", () => {
    const state = (phase: Phase): CommandState => ({ kind: "running", started: STARTED, phase });
    const resolving = (cancel: boolean, late = {}): Step =>
      step(
        command(state({ kind: "resolving", overdue: false, cancel }), { afterCrash: "run-again" }),
        { t: "resolved", answer: { state: "unknown" }, ...late },
        NOW,
      );
    expect(where(resolving(false).command.state)).toBe("executing");
    expect(where(resolving(true).command.state)).toBe("final canceled");
    expect(where(resolving(false, { expired: ISSUE }).command.state)).toBe("final timed-out");
  });

  it("does not cancel a command that finishes once it is intended, from its intent on", () => {
    const canceled = (note: object | undefined, finishesOnceIntended: boolean): string =>
      where(step(command({ kind: "running", started: STARTED, phase: { kind: "executing" }, ...(note !== undefined && { note: { job: "a:1" } }) }, { finishesOnceIntended }), { t: "cancel" }, NOW).command.state);
    expect([canceled(undefined, true), canceled({}, true), canceled({}, false)]).toEqual(["canceling", "executing", "canceling"]);
  });

  it("can be canceled again when what it intended did not begin", () => {
    const resolving: CommandState = { kind: "running", started: STARTED, note: { job: "a:1" }, phase: { kind: "resolving", overdue: false, cancel: false } };
    const again = step(command(resolving, { finishesOnceIntended: true }), { t: "resolved", answer: { state: "not-started" } }, NOW);
    expect(where(step(again.command, { t: "cancel" }, NOW).command.state)).toBe("canceling");
  });

  it("reports what was observed when the outcome is unknown", () => {
    const state: CommandState = { kind: "running", started: STARTED, phase: { kind: "resolving", overdue: false, cancel: false } };
    const answer = { state: "unknown", seen: "observed standby", effect: EFFECT } as const;
    const { command: after } = step(command(state), { t: "resolved", answer }, NOW);
    expect(after.state).toMatchObject({ outcome: { state: "failed", error: { code: "outcome-unknown" }, effect: EFFECT } });
    expect(JSON.stringify(after.state)).toContain("observed standby");
  });

  it("gives up after too many restarts", () => {
    const running: CommandState = { kind: "running", started: STARTED, phase: { kind: "executing" } };
    for (let restarts = 0; restarts <= RESTARTS_MAX; restarts += 1) {
      const { command: after } = step(command(running, { restarts }), { t: "restored" }, NOW);
      expect(after.restarts).toBe(restarts + 1);
      expect(where(after.state)).toBe(restarts < RESTARTS_MAX ? "resolving" : "final failed");
    }
  });

  it("merges notes and reports the duration", () => {
    const first = step(command(STATES["executing"] ?? { kind: "delivered" }), { t: "intended", note: { pid: 7 } }, NOW);
    const second = step(first.command, { t: "intended", note: { boot: "one" } }, NOW);
    expect(second.command.state).toMatchObject({ note: { pid: 7, boot: "one" } });
    const ended = step(
      second.command,
      { t: "settled", execution: { state: "succeeded", result: { ok: true }, effect: EFFECT } },
      NOW,
    );
    expect(ended.command.state).toEqual({
      kind: "final",
      outcome: {
        id: "a",
        attempt: 1,
        name: "reboot",
        state: "succeeded",
        result: { ok: true },
        effect: EFFECT,
        durationMs: 2_000,
      },
      finishedWallMs: 50_000,
    });
  });

  it("keeps the known effect of a canceled command", () => {
    const ended = step(
      command(STATES["canceling"] ?? { kind: "delivered" }),
      { t: "settled", execution: { state: "failed", error: ISSUE, effect: EFFECT } },
      NOW,
    );
    expect(ended.command.state).toMatchObject({
      outcome: { state: "canceled", effect: EFFECT, error: { code: "command.canceled" } },
    });
  });
});
