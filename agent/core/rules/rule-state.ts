/** One rule as a pure step: condition, quiet time and rate limit. The effects are in rules.ts. Times are monotonic. */

export type Side = "do" | "otherwise";

export type RulePhase =
  /** Outside its hours. */
  | { readonly kind: "off" }
  /** An input cannot be read; what fired last stays in force. */
  | { readonly kind: "unknown" }
  | { readonly kind: "idle" }
  | { readonly kind: "active" }
  /** No longer active, and not over before it was quiet for `quietMs`. `resumed`: since a start or a jump of the clock. */
  | { readonly kind: "quiet"; readonly sinceMs: number; readonly resumed: boolean };

export interface RuleMemory {
  readonly phase: RulePhase;
  /** What fired last and is in force. */
  readonly side?: Side;
  /** Firings of the last hour. */
  readonly firedMs: readonly number[];
  /** The rate limit held this back; it fires as soon as the limit permits, unless the rule changes before. */
  readonly heldBack?: Side;
}

export interface RuleSettings {
  readonly hasOtherwise: boolean;
  readonly quietMs: number;
  readonly perHourMax: number;
}

/** `active` is `undefined` while an input cannot be read. */
export type RuleEvent =
  | { readonly on: "level"; readonly active: boolean | undefined }
  /** As `level`, but nothing happened: the agent starts, the rule's hours begin, or the wall clock jumped. */
  | { readonly on: "resume"; readonly active: boolean | undefined }
  /** An input that is present only for a moment. */
  | { readonly on: "press" }
  /** The rule's hours are over. */
  | { readonly on: "off" }
  | { readonly on: "tick" };

export type RuleAct =
  /** `resumed`: nothing happened just now, so only what lasts is carried out: no message, no pulse. */
  | { readonly do: "fire"; readonly side: Side; readonly resumed: boolean }
  /** What is in force already is claimed again, after a start. */
  | { readonly do: "restore"; readonly side: Side }
  /** The rate limit is used up. */
  | { readonly do: "suppress"; readonly side: Side }
  /** Everything the rule wants is given up. */
  | { readonly do: "release" };

export interface RuleStep {
  readonly memory: RuleMemory;
  readonly acts: readonly RuleAct[];
  /** When to step with `tick`. */
  readonly dueMs?: number;
}

const HOUR_MS = 3_600_000;

export function freshRule(side?: Side): RuleMemory {
  return { phase: { kind: "off" }, firedMs: [], ...(side !== undefined && { side }) };
}

export function stepRule(memory: RuleMemory, event: RuleEvent, nowMs: number, settings: RuleSettings): RuleStep {
  const fresh = { ...memory, firedMs: memory.firedMs.filter((atMs) => nowMs - atMs < HOUR_MS) };
  const { memory: next, acts } = settled(stepped({ memory: fresh, acts: [] }, event, nowMs, settings), nowMs, settings);
  const dueMs = dueOf(next, settings);
  return { memory: next, acts, ...(dueMs !== undefined && { dueMs }) };
}

/** A step in the making. */
interface Draft {
  readonly memory: RuleMemory;
  readonly acts: readonly RuleAct[];
}

function stepped(draft: Draft, event: RuleEvent, nowMs: number, settings: RuleSettings): Draft {
  const { phase } = draft.memory;
  switch (event.on) {
    case "tick":
      return draft;
    case "off":
      return phase.kind === "off" ? draft : { memory: { phase: { kind: "off" }, firedMs: draft.memory.firedMs }, acts: [{ do: "release" }] };
    case "press":
      return pressed(draft, nowMs, settings);
    case "resume":
      return resumed(draft, event.active, nowMs, settings);
    case "level":
      if (phase.kind === "off") return draft;
      if (phase.kind === "unknown" && event.active !== undefined) return resumed(draft, event.active, nowMs, settings);
      if (event.active === undefined) return entering(draft, { kind: "unknown" });
      return event.active ? activated(draft, nowMs, settings) : deactivated(draft, nowMs);
  }
}

function activated(draft: Draft, nowMs: number, settings: RuleSettings): Draft {
  switch (draft.memory.phase.kind) {
    case "idle":
      return fire(entering(draft, { kind: "active" }), "do", false, nowMs, settings);
    case "quiet":
      return againstQuiet(entering(draft, { kind: "active" }), nowMs, settings);
    default:
      return draft;
  }
}

/** Active again before it was over: nothing new, unless what is in force is not that side, as after a start. */
function againstQuiet(draft: Draft, nowMs: number, settings: RuleSettings): Draft {
  return draft.memory.side === "do" ? draft : fire(draft, "do", false, nowMs, settings);
}

function deactivated(draft: Draft, nowMs: number): Draft {
  return draft.memory.phase.kind === "active" ? entering(draft, { kind: "quiet", sinceMs: nowMs, resumed: false }) : draft;
}

function pressed(draft: Draft, nowMs: number, settings: RuleSettings): Draft {
  const quiet: RulePhase = { kind: "quiet", sinceMs: nowMs, resumed: false };
  switch (draft.memory.phase.kind) {
    case "off":
    case "active":
      return draft;
    case "quiet":
      return againstQuiet(entering(draft, quiet), nowMs, settings);
    case "idle":
    case "unknown":
      return fire(entering(draft, quiet), "do", false, nowMs, settings);
  }
}

function resumed(draft: Draft, active: boolean | undefined, nowMs: number, settings: RuleSettings): Draft {
  const { phase, side } = draft.memory;
  // A jump of the clock that changed nothing.
  if (phase.kind === "active" && active === true) return draft;
  if ((phase.kind === "idle" || phase.kind === "quiet") && active === false) return draft;
  if (active === true) {
    const now = entering(draft, { kind: "active" });
    if (side !== "do") return fire(now, "do", true, nowMs, settings);
    return phase.kind === "off" ? restore(now, side) : now;
  }
  const restored = side !== undefined && phase.kind === "off" ? restore(draft, side) : draft;
  if (active === undefined) return entering(restored, { kind: "unknown" });
  const isOver = !settings.hasOtherwise || side === "otherwise";
  return entering(restored, isOver ? { kind: "idle" } : { kind: "quiet", sinceMs: nowMs, resumed: true });
}

/** Ends a quiet time that is over, and fires what the rate limit held back once it permits. */
function settled(draft: Draft, nowMs: number, settings: RuleSettings): Draft {
  const { phase, side, heldBack } = draft.memory;
  if (phase.kind === "quiet" && nowMs - phase.sinceMs >= settings.quietMs) {
    const over = entering(draft, { kind: "idle" });
    return settings.hasOtherwise && side !== "otherwise" ? fire(over, "otherwise", phase.resumed, nowMs, settings) : over;
  }
  if (heldBack === undefined || !permitted(draft.memory, settings)) return draft;
  return fire(draft, heldBack, true, nowMs, settings);
}

function fire({ memory: { heldBack: _over, ...memory }, acts }: Draft, side: Side, isResumed: boolean, nowMs: number, settings: RuleSettings): Draft {
  // Was held back on the way there and back: what is in force is right already.
  if (settings.hasOtherwise && memory.side === side) return { memory, acts };
  if (!permitted(memory, settings)) {
    // A rule with two sides catches up; a lone firing that comes late would be a surprise.
    return { memory: settings.hasOtherwise ? { ...memory, heldBack: side } : memory, acts: [...acts, { do: "suppress", side }] };
  }
  return { memory: { ...memory, side, firedMs: [...memory.firedMs, nowMs] }, acts: [...acts, { do: "fire", side, resumed: isResumed }] };
}

function restore({ memory, acts }: Draft, side: Side): Draft {
  return { memory, acts: [...acts, { do: "restore", side }] };
}

function entering({ memory, acts }: Draft, phase: RulePhase): Draft {
  return { memory: { ...memory, phase }, acts };
}

function permitted({ firedMs }: RuleMemory, { perHourMax }: RuleSettings): boolean {
  return firedMs.length < perHourMax;
}

function dueOf({ phase, heldBack, firedMs }: RuleMemory, { quietMs }: RuleSettings): number | undefined {
  const dues = [...(phase.kind === "quiet" ? [phase.sinceMs + quietMs] : []), ...(heldBack !== undefined && firedMs[0] !== undefined ? [firedMs[0] + HOUR_MS] : [])];
  return dues.length === 0 ? undefined : Math.min(...dues);
}
