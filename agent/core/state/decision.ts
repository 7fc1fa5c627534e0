import type { Regulator } from "../../protocol/rules.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import type { Wanted } from "./desired-key.ts";

/** Who switched a key by hand. */
export type Hand = Extract<Regulator, "command" | "remote" | "person">;

/** A key that somebody switched by hand, and until when that holds. */
export interface ManualChoice {
  readonly value: Json;
  readonly by: Hand;
  /** The rule that somebody pressed for. */
  readonly rule?: string;
  /** Wall time at which it ends at the latest. */
  readonly untilMs?: number;
}

/** A value that a local rule wants for a key. */
export interface RuleClaim {
  readonly rule: string;
  readonly value: Json;
}

/** What the device wants for one key now, and who decided. Everything that switches, corrects or judges follows this. */
export interface Decision {
  /** `undefined`: nobody wants anything. */
  readonly wanted: Wanted | undefined;
  readonly by: Regulator;
  /** The rule behind it. */
  readonly rule?: string;
  /** A sentence without a full stop. */
  readonly why: string;
  /** Somebody acted on the hardware itself: it is left as it is, and nothing is corrected. */
  readonly handsOff: boolean;
  /** Wall time at which it may change by itself. */
  readonly untilMs?: number;
}

/**
 * The one order of precedence: what somebody switched by hand; a schedule that says dark; a rule; the document (its value, or
 * a schedule that says on). Pure. `base` is what the document wants.
 */
export function decide(base: Wanted | undefined, claim: RuleClaim | undefined, manual: ManualChoice | undefined): Decision {
  if (manual !== undefined) return byHand(manual);
  if (base?.kind === "refused" || base?.kind === "unsupported") return ofDocument(base);
  if (base?.kind === "value" && base.bySchedule === "dark") return ofDocument(base);
  if (claim !== undefined) {
    return { wanted: { kind: "value", value: claim.value }, by: "rule", rule: claim.rule, why: `the rule ${claim.rule} wants ${wordsFor(claim.value)}`, handsOff: false };
  }
  return base === undefined ? NOBODY : ofDocument(base);
}

/** Nobody wants anything. */
export const NOBODY: Decision = { wanted: undefined, by: "nobody", why: "nothing is wanted", handsOff: false };

function byHand({ value, by, rule, untilMs }: ManualChoice): Decision {
  const who = { command: "a command set", remote: "somebody at the display chose", person: `somebody chose, by the rule ${rule ?? ""},` }[by];
  const until = untilMs === undefined ? {} : { untilMs };
  return { wanted: { kind: "value", value }, by, ...(rule !== undefined && { rule }), why: `${who} ${wordsFor(value)}`, handsOff: by !== "person", ...until };
}

function ofDocument(base: Wanted): Decision {
  switch (base.kind) {
    case "value": {
      const until = base.untilMs === undefined ? {} : { untilMs: base.untilMs };
      if (base.bySchedule === undefined) return { wanted: base, by: "document", why: `desired state wants ${wordsFor(base.value)}`, handsOff: false, ...until };
      return { wanted: base, by: "schedule", why: `the schedule says ${base.bySchedule === "dark" ? "off" : "on"}`, handsOff: false, ...until };
    }
    case "no-opinion":
      return { wanted: base, by: "document", why: base.why.message, handsOff: false };
    case "refused":
    case "unsupported":
      return { wanted: base, by: "document", why: base.error.message, handsOff: false };
  }
}

/** The issue to report for a key that is left alone. */
export function overriddenIssue({ why }: Decision): Issue {
  return { code: "desired.overridden", message: `${why}; it holds until the next edge of the schedule or the next desired document at the latest` };
}

function wordsFor(value: Json): string {
  return JSON.stringify(value).slice(0, 120);
}
