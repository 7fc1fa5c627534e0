import type { DesiredDocument, Schedule } from "../../../protocol/desired.ts";
import { refusalOf, type Display } from "../../../../platform/ports/display.ts";
import { compareDisplayValue, DESIRED_PROPERTIES, propertyRow, type DesiredProperty, type DisplayStatus, type SettableValue } from "../../../../platform/ports/display-properties.ts";
import type { ScheduleAnswer } from "../../schedule/schedule-answer.ts";
import type { DesiredKeyHandler, Wanted } from "../desired-key.ts";
import type { SharedReading } from "../shared-reading.ts";

export interface DisplayKeysDeps {
  /** Absent: every display key is `unsupported`. */
  readonly display: Display | undefined;
  /** The display's status, shared with whoever else looks. */
  readonly status: SharedReading<DisplayStatus> | undefined;
  /** What a schedule says at this moment. */
  readonly scheduleSays: (schedule: Schedule) => ScheduleAnswer;
}

/** A status this old is good enough for a look that nothing asked for. */
const STATUS_AGE_MS = 10_000;
/** A call waits for those before it on the bus: the verdict's, the reporter's and its own. */
const QUEUE_DEPTH = 4;

/** Handlers of `display.<property>`, one for each property of the desired document. */
export function displayKeys(deps: DisplayKeysDeps): readonly DesiredKeyHandler[] {
  return DESIRED_PROPERTIES.map((property) => displayKey(property, deps));
}

function displayKey<P extends DesiredProperty>(property: P, { display, status, scheduleSays }: DisplayKeysDeps): DesiredKeyHandler {
  const settable = display?.capabilities.settable[property];
  const lacking = display === undefined ? "no display can be controlled from this device" : settable === undefined ? propertyRow(property).lacking : undefined;
  const unsupported = (message: string) => ({ kind: "unsupported", error: { code: "unsupported", message } }) as const;
  return {
    key: `display.${property}`,
    lane: "display",
    ...(display !== undefined && { worstCaseMs: display.worstCaseMs() * QUEUE_DEPTH }),
    wanted: (document) => {
      const wanted = wantedIn(document, property, scheduleSays);
      if (wanted === undefined) return undefined;
      if (lacking !== undefined) return unsupported(lacking);
      const error = wanted.kind === "value" ? refusalOf(property, wanted.value, settable?.choices) : undefined;
      return error === undefined ? wanted : { kind: "refused", error };
    },
    observe: async () => (lacking !== undefined || status === undefined ? { kind: "unsupported" } : (await status.get(STATUS_AGE_MS))[property]),
    apply: async (value) => {
      if (display === undefined) return unsupported("no display");
      try {
        return { kind: "effect", effect: await display.set(property, value as SettableValue<P>) };
      } finally {
        status?.invalidate();
      }
    },
    compare: (wanted, observed) => compareDisplayValue(property, wanted, observed),
  };
}

function wantedIn(document: DesiredDocument, property: DesiredProperty, scheduleSays: (schedule: Schedule) => ScheduleAnswer): Wanted | undefined {
  const wish = document.display?.[property];
  if (wish === undefined) return undefined;
  if (property !== "power" || wish !== "schedule") return { kind: "value", value: wish };
  if (document.schedule === undefined) {
    return { kind: "refused", error: { code: "schedule.missing", message: "display.power follows the schedule, and the document has none" } };
  }
  const says = scheduleSays(document.schedule);
  if (says.kind === "no-opinion") return { kind: "no-opinion", why: says.why };
  if (says.kind === "refused") return { kind: "refused", error: says.error };
  return { kind: "value", value: says.kind === "on" ? "on" : "standby", ...(says.nextMs === undefined ? {} : { untilMs: says.nextMs }) };
}
