import type { DesiredDocument, Schedule } from "../../../protocol/desired.ts";
import type { Display, DisplayStatus, Orientation } from "../../../../platform/ports/display.ts";
import type { Effect, Reading } from "../../../../platform/ports/reading.ts";
import type { Issue } from "../../../../platform/ports/result.ts";
import type { Json } from "../../../../platform/runtime/json.ts";
import { isNear } from "../../commands/executors/effect-proof.ts";
import type { ScheduleAnswer } from "../../schedule/schedule-answer.ts";
import type { Comparison, DesiredKeyHandler, Wanted } from "../desired-key.ts";
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

/** Handlers of `display.power`, `.input`, `.brightness`, `.volume`, `.mute` and `.orientation`. */
export function displayKeys(deps: DisplayKeysDeps): readonly DesiredKeyHandler[] {
  return [
    key(deps, {
      name: "power",
      wanted: (document) => wantedPower(document, deps.scheduleSays),
      unsupported: (display) => (display.capabilities.power ? undefined : "this display's power cannot be switched"),
      observe: (status) => status.power,
      apply: (display, value) => display.setPower(value === "on"),
      compare: comparePower,
    }),
    key(deps, {
      name: "input",
      wanted: ({ display }) => plain(display?.input),
      unsupported: (display) => (display.capabilities.inputs.length > 0 ? undefined : "this display's inputs cannot be switched"),
      refused: (display, value) => oneOf("display.no-such-input", value, display.capabilities.inputs),
      observe: (status) => status.input,
      apply: (display, value) => display.setInput(value as string),
    }),
    key(deps, {
      name: "brightness",
      wanted: ({ display }) => plain(display?.brightness),
      unsupported: (display) => (display.capabilities.brightness ? undefined : "this display's brightness cannot be set"),
      observe: (status) => status.brightness,
      apply: (display, value) => display.setBrightness(Number(value)),
      compare: compareLevel,
    }),
    key(deps, {
      name: "volume",
      wanted: ({ display }) => plain(display?.volume),
      unsupported: (display) => (display.capabilities.volume ? undefined : "this display's volume cannot be set"),
      observe: (status) => status.volume,
      apply: (display, value) => display.setVolume(Number(value)),
      compare: compareLevel,
    }),
    key(deps, {
      name: "mute",
      wanted: ({ display }) => plain(display?.mute),
      unsupported: (display) => (display.capabilities.mute ? undefined : "this display cannot be muted"),
      observe: (status) => status.mute,
      apply: (display, value) => display.setMute(value === true),
    }),
    key(deps, {
      name: "orientation",
      wanted: ({ display }) => plain(display?.orientation),
      unsupported: (display) => (display.capabilities.orientations.length > 0 ? undefined : "the picture cannot be turned"),
      refused: (display, value) => oneOf("display.no-such-orientation", value, display.capabilities.orientations),
      observe: (status) => status.orientation,
      apply: (display, value) => display.setOrientation(value as Orientation),
    }),
  ];
}

interface DisplayKey {
  readonly name: string;
  wanted(document: DesiredDocument): Wanted | undefined;
  unsupported(display: Display): string | undefined;
  refused?(display: Display, value: Json): Issue | undefined;
  observe(status: DisplayStatus): Reading<Json>;
  apply(display: Display, value: Json): Promise<Effect<Json>>;
  readonly compare?: (wanted: Json, observed: Json) => Comparison;
}

function key({ display, status }: DisplayKeysDeps, spec: DisplayKey): DesiredKeyHandler {
  const lacking = display === undefined ? "no display can be controlled from this device" : spec.unsupported(display);
  const worst = display === undefined ? {} : { worstCaseMs: display.worstCaseMs * QUEUE_DEPTH };
  return {
    key: `display.${spec.name}`,
    lane: "display",
    ...worst,
    wanted: (document) => {
      const wanted = spec.wanted(document);
      if (wanted === undefined) return undefined;
      if (lacking !== undefined) return { kind: "unsupported", error: { code: "unsupported", message: lacking } };
      const error = wanted.kind === "value" && display !== undefined ? spec.refused?.(display, wanted.value) : undefined;
      return error === undefined ? wanted : { kind: "refused", error };
    },
    observe: async () => (lacking !== undefined || status === undefined ? { kind: "unsupported" } : spec.observe(await status.get(STATUS_AGE_MS))),
    apply: async (value) => {
      if (display === undefined) return { kind: "unsupported", error: { code: "unsupported", message: "no display" } };
      try {
        return { kind: "effect", effect: await spec.apply(display, value) };
      } finally {
        status?.invalidate();
      }
    },
    compare: spec.compare ?? ((wanted, observed) => (wanted === observed ? "same" : "different")),
  };
}

function wantedPower(document: DesiredDocument, scheduleSays: (schedule: Schedule) => ScheduleAnswer): Wanted | undefined {
  const power = document.display?.power;
  if (power === undefined) return undefined;
  if (power !== "schedule") return { kind: "value", value: power };
  if (document.schedule === undefined) {
    return { kind: "refused", error: { code: "schedule.missing", message: "display.power follows the schedule, and the document has none" } };
  }
  const says = scheduleSays(document.schedule);
  if (says.kind === "no-opinion") return { kind: "no-opinion", why: says.why };
  if (says.kind === "refused") return { kind: "refused", error: says.error };
  return { kind: "value", value: says.kind === "on" ? "on" : "standby", ...(says.nextMs === undefined ? {} : { untilMs: says.nextMs }) };
}

function comparePower(wanted: Json, observed: Json): Comparison {
  if (wanted === observed) return "same";
  return observed === "turning-on" || observed === "turning-off" ? "settling" : "different";
}

/** Scales in hardware have steps of their own; the same tolerance as a command's proof. */
export function compareLevel(wanted: Json, observed: Json): Comparison {
  if (wanted === observed) return "same";
  return isNear(Number(wanted), Number(observed)) ? "near" : "different";
}

function plain(value: Json | undefined): Wanted | undefined {
  return value === undefined ? undefined : { kind: "value", value };
}

function oneOf(code: string, value: Json, choices: readonly Json[]): Issue | undefined {
  if (choices.includes(value)) return undefined;
  return {
    code,
    message: `${JSON.stringify(value).slice(0, 64)} is not one of ${choices.map((choice) => JSON.stringify(choice)).join(", ").slice(0, 500)}`,
  };
}
