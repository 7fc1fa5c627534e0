import { RECORD_BODY_BYTES_MAX } from "../../protocol/limits.ts";
import type { CommandFinalState, CommandOutcome } from "../../protocol/records.ts";
import type { Effect, Reading } from "../../../platform/ports/reading.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import { isJsonObject, parseJson, type Json } from "../../../platform/runtime/json.ts";
import { redact, redactText } from "../../../platform/runtime/redact.ts";
import type { CommandKey } from "./journal-entry.ts";

/** How one execution ended, before conversion to the wire format. */
export interface Ending {
  readonly state: CommandFinalState;
  readonly error?: Issue;
  readonly effect?: Effect;
  readonly result?: unknown;
  readonly durationMs?: number;
}

const CODE = /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/;
const CODE_MAX = 64;
const TEXT_MAX = 1000;
/** Leaves a margin for what a store may add; the record around the body is not counted here. */
const BODY_BYTES_MAX = RECORD_BODY_BYTES_MAX - 512;

/**
 * The outcome in wire format. Whatever an executor returned is made to fit the cloud's schema: the cloud would drop an
 * invalid outcome, and the command would have none.
 */
export function outcomeOf(command: CommandKey & { readonly name: string }, ending: Ending): CommandOutcome {
  const head = { id: command.id, attempt: command.attempt, name: command.name.slice(0, 64), state: ending.state };
  const duration =
    ending.durationMs === undefined ? {} : { durationMs: Math.round(Math.min(Math.max(0, ending.durationMs), 31_622_400_000)) };
  const error = ending.error === undefined ? {} : { error: wireIssue(ending.error) };
  const effect = ending.effect === undefined ? {} : { effect: wireEffect(ending.effect) };
  const result = plainJson(ending.result);
  const whole = redact({ ...head, ...error, ...effect, ...(isJsonObject(result) ? { result } : {}), ...duration }) as CommandOutcome;
  if (bytesOf(whole) <= BODY_BYTES_MAX) return whole;
  const tooLarge = {
    code: "outcome.result-too-large",
    message: `the result is left out: the outcome would be over ${RECORD_BODY_BYTES_MAX} bytes`,
  };
  return { ...head, error: ending.error === undefined ? tooLarge : wireIssue(ending.error), ...duration };
}

/** The issue cut to the limits of the wire format. */
export function wireIssue(issue: Issue): Issue {
  const code = CODE.test(issue.code) && issue.code.length <= CODE_MAX ? issue.code : "command.failed";
  const message = redactText(issue.message).slice(0, TEXT_MAX);
  return issue.hint === undefined ? { code, message } : { code, message, hint: issue.hint.slice(0, TEXT_MAX) };
}

function wireEffect(effect: Effect): NonNullable<CommandOutcome["effect"]> {
  return {
    attempted: effect.attempted,
    ...(effect.acknowledged === undefined ? {} : { acknowledged: effect.acknowledged }),
    observed: wireReading(effect.observed),
    ...(effect.error === undefined ? {} : { error: wireIssue(effect.error) }),
  };
}

/** The reading without its monotonic time, which is meaningless outside this machine. */
export function wireReading(reading: Reading<unknown>): NonNullable<CommandOutcome["effect"]>["observed"] {
  switch (reading.kind) {
    case "ok":
      return { kind: "ok", value: plainJson(reading.value) ?? null };
    case "unsupported":
      return { kind: "unsupported" };
    case "unknown":
      return { kind: "unknown", why: reading.why.slice(0, TEXT_MAX) };
    case "failed":
      return { kind: "failed", error: wireIssue(reading.error) };
  }
}

/** The value as it would be after JSON encoding and decoding. */
function plainJson(value: unknown): Json | undefined {
  return value === undefined ? undefined : parseJson(JSON.stringify(value));
}

function bytesOf(value: unknown): number {
  return utf8(JSON.stringify(value)).length;
}
