import type { OwnKeyResult } from "../../protocol/desired.ts";
import type { Comparison } from "../../../platform/ports/comparison.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { canonicalJson, type Json } from "../../../platform/runtime/json.ts";
import type { KeyOutcome, Wanted } from "./desired-key.ts";

/**
 * Level-triggered planning for one key. Pure: derives the next step from what is wanted, what is observed and what was
 * tried. The effects are in desired-lane.ts.
 */

/** State of one key kept between checks. */
export interface KeyMemory {
  /** Canonical text of the value worked on; another value starts with a fresh memory. Kind of what is wanted if that is no value. */
  readonly text: string;
  /** Since when it has matched the wanted value without interruption; absent: it does not match now. Monotonic. */
  readonly heldSinceMs?: number;
  /** This value was sent to the hardware; before that, a value that is only near does not count as equal. */
  readonly told?: true;
  /** When the hardware last took an order for this key. Monotonic. */
  readonly takenMs?: number;
  /** Accepted by hardware that cannot be queried: not tried again until the hardware changes. */
  readonly takenUnseen?: Issue;
  /** Refused or unsupported for good. */
  readonly final?: OwnKeyResult;
  /** How often it drifted away from the wanted value since that was set. */
  readonly drifts: number;
  /** Attempts since it last held, plus drifts since it was last stable. They lengthen the next delay. */
  readonly strikes: number;
  readonly nextTryMs: number;
  readonly lastError?: Issue;
  /** Strikes to restore if it settles after an attempt, so that slow hardware does not count as failing. */
  readonly strikesIfItSettles?: number;
  /** Since when it has been settling. Monotonic. */
  readonly settlingSinceMs?: number;
}

export type DesiredStep =
  | { readonly do: "apply"; readonly value: Json }
  /** Only report; check again at `lookAgainMs` (monotonic) at the latest, if given. */
  | { readonly do: "report"; readonly result: OwnKeyResult; readonly lookAgainMs?: number };

export interface Planned {
  readonly step: DesiredStep;
  readonly memory: KeyMemory;
}

/** A value still settling after this time counts as stuck. */
export const SETTLE_MAX_MS = 90_000;
/** Held this long without interruption: earlier strikes are forgotten. Longer for a key whose attempts disturb the picture. */
export const STABLE_AFTER_MS = 5 * 60_000;
/** Interval between checks of a settling value. */
export const SETTLE_LOOK_MS = 2_000;
/** From this number of strikes on, an alarm says that the key cannot be applied or does not hold. */
export const ALARM_AFTER_STRIKES = 3;

export function freshMemory(text: string, nowMs: number): KeyMemory {
  return { text, drifts: 0, strikes: 0, nextTryMs: nowMs };
}

/**
 * A cable that comes back this soon after an order that disturbs the picture may have left because of it: some TVs do when the mode changes.
 * Doubles with each strike, because a TV that is slower than this would otherwise be set at each return.
 */
export const OWN_DOING_MS = 60_000;

/**
 * Delay before attempt number `strikes` + 1; passed in to keep this file free of randomness. `wasTaken`: the last attempt reached the
 * hardware, so another one may disturb the picture again.
 */
export type DelayFor = (strikes: number, wasTaken: boolean) => number;

/** `stableAfterMs`: how long the value has to hold until earlier strikes are forgotten. */
export function planKey(
  wanted: Wanted,
  observed: Reading<Json>,
  memoryBefore: KeyMemory | undefined,
  compare: (wanted: Json, observed: Json) => Comparison,
  nowMs: number,
  delayFor: DelayFor,
  stableAfterMs = STABLE_AFTER_MS,
): Planned {
  if (wanted.kind !== "value") {
    const memory = setAside(memoryBefore, nowMs, stableAfterMs) ?? freshMemory(wanted.kind, nowMs);
    if (wanted.kind === "no-opinion") return {
      memory,
      step: { do: "report", result: { status: "pending", error: wanted.why, ...observedPart(observed) } },
    };
    return { memory, step: { do: "report", result: { status: wanted.kind, error: wanted.error, ...observedPart(observed) } } };
  }
  const text = canonicalJson(wanted.value);
  const memory = memoryBefore?.text === text ? memoryBefore : freshMemory(text, nowMs);
  if (memory.final !== undefined) return { memory, step: { do: "report", result: memory.final } };
  if (observed.kind !== "ok") return planUnseen(wanted.value, observed, memory, nowMs);
  const comparison = compare(wanted.value, observed.value);
  // Near, but neither sent nor held: a new value within the hardware's step size must still be sent.
  const counts = comparison === "near" && (memory.told === true || memory.heldSinceMs !== undefined);
  if (comparison === "same" || counts) return planHeld(observed, memory, nowMs, stableAfterMs);
  const settlingSinceMs = isChanging(comparison) ? (memory.settlingSinceMs ?? nowMs) : undefined;
  if (settlingSinceMs !== undefined && nowMs - settlingSinceMs < SETTLE_MAX_MS) {
    const result: OwnKeyResult = { status: "pending", observed: observed.value, ...driftPart(memory) };
    return { memory: { ...memory, settlingSinceMs }, step: { do: "report", result, lookAgainMs: nowMs + SETTLE_LOOK_MS } };
  }
  const drifted = memory.heldSinceMs === undefined ? memory : noteDrift(memory, nowMs, delayFor);
  return planAttempt(wanted.value, observed, drifted, nowMs);
}

/**
 * What is kept while the value cannot be had: a recent order and how often it failed, so that a value which comes and goes is not set at
 * each return. A refusal or an unseen success may no longer be true then. The time in between does not count as held.
 */
function setAside(memory: KeyMemory | undefined, nowMs: number, stableAfterMs: number): KeyMemory | undefined {
  if (memory?.takenMs === undefined || nowMs - memory.takenMs >= stableAfterMs) return undefined;
  const { final: _refusal, takenUnseen: _unseen, settlingSinceMs: _arrived, ...kept } = memory;
  return { ...kept, ...(kept.heldSinceMs !== undefined && { heldSinceMs: nowMs }) };
}

/** In transition to any value: hardware ignores commands meanwhile, so it is left to finish. */
function isChanging(comparison: Comparison): boolean {
  return comparison === "settling" || comparison === "leaving";
}

function planHeld(observed: Extract<Reading<Json>, { kind: "ok" }>, memory: KeyMemory, nowMs: number, stableAfterMs: number): Planned {
  const heldSinceMs = memory.heldSinceMs ?? nowMs;
  const strikes = nowMs - heldSinceMs >= stableAfterMs ? 0 : (memory.strikesIfItSettles ?? memory.strikes);
  return {
    memory: { text: memory.text, heldSinceMs, drifts: memory.drifts, strikes, nextTryMs: nowMs, ...toldPart(memory) },
    step: { do: "report", result: { status: "applied", observed: observed.value, ...driftPart(memory) } },
  };
}

/** The first drift is corrected at once; repeated drifts are corrected at growing intervals. */
function noteDrift(memory: KeyMemory, nowMs: number, delayFor: DelayFor): KeyMemory {
  const { heldSinceMs: _ended, settlingSinceMs: _arrived, ...rest } = memory;
  const nextTryMs = memory.strikes === 0 ? nowMs : nowMs + delayFor(memory.strikes, true);
  return { ...rest, drifts: memory.drifts + 1, strikes: memory.strikes + 1, nextTryMs };
}

function planUnseen(value: Json, observed: Reading<Json>, memory: KeyMemory, nowMs: number): Planned {
  if (memory.takenUnseen !== undefined) {
    const status = observed.kind === "unsupported" ? "applied" : "pending";
    return { memory, step: { do: "report", result: { status, error: memory.takenUnseen, ...driftPart(memory) } } };
  }
  // Matched before but cannot be read now: unknown is not a drift, so nothing is done.
  if (memory.heldSinceMs !== undefined) {
    const error: Issue = { code: "desired.not-visible", message: `matched when last read; now: ${whyUnseen(observed)}` };
    return { memory, step: { do: "report", result: { status: "pending", error, ...driftPart(memory) } } };
  }
  return planAttempt(value, observed, memory, nowMs);
}

function planAttempt(value: Json, observed: Reading<Json>, memory: KeyMemory, nowMs: number): Planned {
  if (nowMs >= memory.nextTryMs) return { memory, step: { do: "apply", value } };
  const error = memory.lastError ?? { code: "desired.drifts", message: "it keeps changing; the next correction is delayed" };
  const status = memory.lastError === undefined ? "pending" : "failed";
  return {
    memory,
    step: { do: "report", result: { status, error, ...observedPart(observed), ...driftPart(memory) }, lookAgainMs: memory.nextTryMs },
  };
}

/** Result of one attempt. `status: "failed"` is retried at `memory.nextTryMs`. */
export function afterApply(
  value: Json,
  outcome: KeyOutcome,
  memoryBefore: KeyMemory,
  compare: (wanted: Json, observed: Json) => Comparison,
  nowMs: number,
  delayFor: DelayFor,
): { readonly result: OwnKeyResult; readonly memory: KeyMemory; readonly lookAgainMs?: number } {
  const wasTaken = outcome.kind === "effect" && outcome.effect.attempted && outcome.effect.acknowledged !== false;
  const memory: KeyMemory = wasTaken ? { ...memoryBefore, takenMs: nowMs } : memoryBefore;
  const nextDelay = (strikes: number): number => delayFor(strikes, wasTaken);
  if (outcome.kind === "pending") {
    const { error } = outcome;
    return { result: { status: "pending", ...(error === undefined ? {} : { error }), ...driftPart(memory) }, memory };
  }
  if (outcome.kind !== "effect") {
    const result: OwnKeyResult = { status: outcome.kind, error: outcome.error };
    return { result, memory: { ...memory, final: result } };
  }
  const { effect } = outcome;
  if (effect.observed.kind === "ok") {
    const comparison = compare(value, effect.observed.value);
    if (comparison === "same" || (comparison === "near" && effect.attempted && effect.acknowledged !== false)) {
      const { lastError: _gone, ...kept } = memory;
      return { result: { status: "applied", observed: effect.observed.value, ...driftPart(memory) }, memory: { ...kept, heldSinceMs: nowMs, told: true } };
    }
    if (isChanging(comparison)) {
      const struck = { ...strike(memory, undefined, nowMs, nextDelay), strikesIfItSettles: memory.strikes };
      return {
        result: { status: "pending", observed: effect.observed.value, ...driftPart(memory) },
        memory: struck,
        lookAgainMs: nowMs + SETTLE_LOOK_MS,
      };
    }
    const error = effect.error ?? { code: "desired.not-observed", message: "it was applied, but another value was read afterwards" };
    return failedAttempt(error, effect.observed, memory, nowMs, nextDelay);
  }
  if (effect.error === undefined && effect.acknowledged === true) {
    const unseen: Issue =
      effect.observed.kind === "unsupported"
        ? { code: "desired.cannot-be-seen", message: "it was acknowledged; this hardware cannot report its state" }
        : { code: "desired.not-visible", message: `it was acknowledged, but cannot be confirmed: ${whyUnseen(effect.observed)}` };
    const status = effect.observed.kind === "unsupported" ? "applied" : "pending";
    const { lastError: _gone, ...kept } = memory;
    return { result: { status, error: unseen, ...driftPart(memory) }, memory: { ...kept, takenUnseen: unseen, told: true } };
  }
  const error = effect.error ?? { code: "desired.no-answer", message: "it was tried, but nothing answered" };
  return failedAttempt(error, effect.observed, memory, nowMs, nextDelay);
}

function failedAttempt(error: Issue, observed: Reading<Json>, memory: KeyMemory, nowMs: number, nextDelay: (strikes: number) => number) {
  const struck = strike(memory, error, nowMs, nextDelay);
  return {
    result: { status: "failed" as const, error, ...observedPart(observed), ...driftPart(memory) },
    memory: struck,
    lookAgainMs: struck.nextTryMs,
  };
}

function strike(memory: KeyMemory, lastError: Issue | undefined, nowMs: number, nextDelay: (strikes: number) => number): KeyMemory {
  const { heldSinceMs: _ended, strikesIfItSettles: _over, settlingSinceMs: _anew, ...rest } = memory;
  return { ...rest, strikes: memory.strikes + 1, nextTryMs: nowMs + nextDelay(memory.strikes), ...(lastError === undefined ? {} : { lastError }) };
}

/**
 * The hardware changed (cable plugged in, display answers again): pending or unverified keys are retried at once. `disturbs`: setting this
 * key may itself cause such a change, which then is no reason to set it again.
 */
export function worldChanged(memory: KeyMemory, nowMs: number, disturbs = false): KeyMemory {
  const { takenUnseen: _again, ...rest } = memory;
  if (disturbs && rest.takenMs !== undefined && nowMs - rest.takenMs < OWN_DOING_MS * 2 ** rest.strikes) return rest;
  return { ...rest, nextTryMs: Math.min(rest.nextTryMs, nowMs) };
}

function observedPart(observed: Reading<Json>): { observed?: Json } {
  return observed.kind === "ok" ? { observed: observed.value } : {};
}

function toldPart({ told, takenMs }: KeyMemory): Pick<KeyMemory, "told" | "takenMs"> {
  return { ...(told === true && { told }), ...(takenMs !== undefined && { takenMs }) };
}

function driftPart(memory: KeyMemory): { drifts?: number } {
  return memory.drifts > 0 ? { drifts: memory.drifts } : {};
}

function whyUnseen(observed: Reading<Json>): string {
  if (observed.kind === "unknown") return observed.why;
  return observed.kind === "failed" ? observed.error.message : "it cannot be read";
}
