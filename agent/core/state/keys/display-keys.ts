import type { DesiredDocument } from "../../../protocol/desired.ts";
import type { Schedule } from "../../../protocol/schedule.ts";
import { refusalOf } from "../../../../platform/ports/display.ts";
import { compareDisplayValue, DESIRED_PROPERTIES, propertyRow, type DesiredProperty, type DisplayWish, type SettableValue } from "../../../../platform/ports/display-properties.ts";
import type { ScheduleAnswer } from "../../schedule/schedule-answer.ts";
import type { DesiredKeyHandler, Wanted } from "../desired-key.ts";
import type { ManagedDisplay } from "../managed-display.ts";

/** Evaluates a schedule now. */
type ScheduleSays = (schedule: Schedule) => ScheduleAnswer;

/** Maximum age of a status for a routine check. */
const STATUS_AGE_MS = 10_000;
/** Bus operations that a call's deadline allows for: its own and those queued before it (the verdict's, the reporter's). */
const QUEUE_DEPTH = 4;

/**
 * Handlers of `display.<property>`, one for each property of the desired document, and of `displays.<name>.<property>` for the
 * displays besides the first. Each display has its own lane. Without a display every key of `display` is `unsupported`.
 */
export function displayKeys(displays: readonly ManagedDisplay[], scheduleSays: ScheduleSays): readonly DesiredKeyHandler[] {
  const all = displays.length === 0 ? [undefined] : displays;
  return all.flatMap((display) => DESIRED_PROPERTIES.map((property) => displayKey(property, display, scheduleSays)));
}

/** The document's settings for the display with this path. */
function wishOf(document: DesiredDocument, path: string): DisplayWish | undefined {
  return path === "display" ? document.display : document.displays?.[path.slice("displays.".length)];
}

function displayKey<P extends DesiredProperty>(property: P, managed: ManagedDisplay | undefined, scheduleSays: ScheduleSays): DesiredKeyHandler {
  const path = managed?.path ?? "display";
  const { disturbedRetryMaxMs } = propertyRow(property);
  const settable = managed?.display.capabilities.settable[property];
  const lacking = managed === undefined ? "no display can be controlled from this device" : settable === undefined ? propertyRow(property).lacking : undefined;
  const unsupported = (message: string) => ({ kind: "unsupported", error: { code: "unsupported", message } }) as const;
  return {
    key: `${path}.${property}`,
    lane: path,
    ...(managed !== undefined && { worstCaseMs: managed.display.worstCaseMs() * QUEUE_DEPTH }),
    ...(disturbedRetryMaxMs !== undefined && { disturbedRetryMaxMs }),
    wanted: (document) => {
      const wanted = wantedIn(document, path, property, scheduleSays);
      if (wanted === undefined) return undefined;
      if (lacking !== undefined) return unsupported(lacking);
      const choices = settable?.choices ?? managed?.display.choices?.()[property];
      const error = wanted.kind === "value" ? refusalOf(property, wanted.value, choices) : undefined;
      return error === undefined ? wanted : { kind: "refused", error };
    },
    observe: async () => (lacking !== undefined || managed === undefined ? { kind: "unsupported" } : (await managed.status.get(STATUS_AGE_MS))[property]),
    apply: async (value) =>
      managed === undefined ? unsupported("no display") : { kind: "effect", effect: await managed.display.set(property, value as SettableValue<P>) },
    compare: (wanted, observed) => compareDisplayValue(property, wanted, observed),
  };
}

/** What the document wants for a property of the display with this path, whatever that display can do. */
export function wantedIn(document: DesiredDocument, path: string, property: DesiredProperty, scheduleSays: ScheduleSays): Wanted | undefined {
  const wish = wishOf(document, path)?.[property];
  if (wish === undefined) return undefined;
  if (property !== "power" || wish !== "schedule") return { kind: "value", value: wish };
  if (document.schedule === undefined) {
    return { kind: "refused", error: { code: "schedule.missing", message: "display.power follows the schedule, but the document has none" } };
  }
  const says = scheduleSays(document.schedule);
  if (says.kind === "no-opinion") return { kind: "no-opinion", why: says.why };
  if (says.kind === "refused") return { kind: "refused", error: says.error };
  const lit = says.kind === "on";
  return { kind: "value", value: lit ? "on" : "standby", bySchedule: lit ? "lit" : "dark", ...(says.nextMs === undefined ? {} : { untilMs: says.nextMs }) };
}
