import type { ClockControl } from "../../../../platform/ports/host.ts";
import { compareExactly } from "../../../../platform/ports/comparison.ts";
import type { DesiredKeyHandler } from "../desired-key.ts";

/** A look, the order and a look, of one program each. */
const WORST_CASE_MS = 10_000;

/** `clock.timeZone`: the machine's. */
export function timeZoneKey(clock: ClockControl): DesiredKeyHandler {
  const unsupported = { kind: "unsupported", error: { code: "unsupported", message: "the time zone of this machine cannot be set" } } as const;
  return {
    key: "clock.timeZone",
    lane: "clock",
    worstCaseMs: WORST_CASE_MS,
    wanted: ({ clock: wish }) => {
      if (wish?.timeZone === undefined) return undefined;
      return clock.setTimeZone === undefined ? unsupported : { kind: "value", value: wish.timeZone };
    },
    observe: () => clock.timeZone(),
    apply: async (value) => (clock.setTimeZone === undefined ? unsupported : { kind: "effect", effect: await clock.setTimeZone(value as string) }),
    compare: compareExactly,
  };
}
