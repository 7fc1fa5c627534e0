import type { Rules } from "../../protocol/rules.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import type { DesiredKeyHandler } from "../state/desired-key.ts";
import type { LocalRules } from "./rules.ts";

/** Listing the lines of a GPIO chip. */
const WORST_CASE_MS = 10_000;

/** `rules`: put in force as a whole, refused or `unsupported` as a whole. Observed are the ids of the rules in force. */
export function rulesKey(rules: LocalRules): DesiredKeyHandler {
  return {
    key: "rules",
    lane: "rules",
    worstCaseMs: WORST_CASE_MS,
    wanted: (document) => (document.rules === undefined ? undefined : (rules.refusal(document.rules) ?? { kind: "value", value: document.rules as unknown as Json })),
    observe: () => Promise.resolve(rules.observe()),
    apply: (value) => rules.apply(value as unknown as Rules),
    compare: (wanted) => (rules.isInForce(wanted as unknown as Rules) ? "same" : "different"),
  };
}
