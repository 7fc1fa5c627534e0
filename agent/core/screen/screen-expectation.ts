import type { DesiredDocument, Schedule } from "../../protocol/desired.ts";
import type { ScheduleAnswer } from "../schedule/schedule-answer.ts";
import type { DisplayWish } from "../../../platform/ports/display-properties.ts";
import type { Json } from "../../../platform/runtime/json.ts";

/** Whether the screen should be on right now, and why. `none`: cannot be determined, for example because the clock was never set. */
export interface ScreenExpectation {
  readonly expect: "on" | "off" | "none";
  readonly why: string;
}

/**
 * Pure. `override`: the value set by a manual `display.power` command that is still in force. `power`: the display's power
 * in the desired document. By default the screen should be lit.
 */
export function screenExpectation(
  document: DesiredDocument | undefined,
  override: Json | undefined,
  says: (schedule: Schedule) => ScheduleAnswer,
  power: DisplayWish["power"] = document?.display?.power,
): ScreenExpectation {
  if (override === "on") return { expect: "on", why: "a command switched it on" };
  if (override === "standby") return { expect: "off", why: "a command switched it off" };
  if (power === undefined) return { expect: "on", why: "nothing asks for a dark screen" };
  if (power === "on") return { expect: "on", why: "desired state wants it on" };
  if (power === "standby") return { expect: "off", why: "desired state wants it in standby" };
  if (document?.schedule === undefined) return { expect: "none", why: "it follows a schedule, but none is set" };
  const answer = says(document.schedule);
  if (answer.kind === "on" || answer.kind === "off") return { expect: answer.kind, why: `the schedule says ${answer.kind}` };
  return { expect: "none", why: answer.kind === "no-opinion" ? answer.why.message : answer.error.message };
}
