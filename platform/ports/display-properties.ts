import { compareExactly, compareLevel, type Comparison } from "./comparison.ts";
import type { Reading } from "./reading.ts";
import type { Code } from "./codes.ts";
import { compareMode } from "./video-mode.ts";

/**
 * Every display property that can be read or set, one row per property. The types, the port `Display`, commands, desired
 * keys, the reported document, the profile, the published schemas and the documentation are derived from this table. To add
 * a property, add a row here and a question or an order in the drivers that support it.
 */

/** The value type of a property. */
export type PropertyType =
  /** `values` can be set. `transitional` maps each value that is only observed during a change to the value it leads to. */
  | { readonly kind: "choice"; readonly values: readonly string[]; readonly transitional: Readonly<Record<string, string>> }
  /** A name defined by the display, such as `hdmi-1`. */
  | { readonly kind: "name"; readonly lengthMax: number }
  /** Whole number from 0 to 100. */
  | { readonly kind: "percent" }
  | { readonly kind: "flag" }
  /** Clockwise angle in degrees. */
  | { readonly kind: "degrees"; readonly values: readonly number[] }
  /** A video mode as text, see `video-mode.ts`. Which modes there are depends on what is connected. */
  | { readonly kind: "mode" };

export interface PropertyRow {
  readonly type: PropertyType;
  /** For forms and headings. */
  readonly label: string;
  /** Wording of the wanted value, with `{}` for the value: `asked for a brightness of 40 percent`. */
  readonly wish: string;
  /** Message for a display on which the property cannot be set. */
  readonly lacking: string;
  /** Code for a value that is not among the display's choices. */
  readonly noSuchValueCode: Code;
  /** Time after an order by which a display that obeys shows the new value or has begun to change. */
  readonly reactMs: number;
  /** Maximum wait for a display that is still changing. After it, the current value is reported so that its queue can continue. */
  readonly changeMs: number;
  /** How long a command keeps observing a display that shows no reaction, after the driver's own wait. */
  readonly lookMs: number;
  /**
   * Present if setting it disturbs the picture: longest time between two attempts to set a desired value that does not stay, and how
   * long it has to stay until earlier failures are forgotten. Default: 15 minutes, and 5 minutes.
   */
  readonly disturbedRetryMaxMs?: number;
  /** In the reported document of every display, as `unsupported` if it lacks it. Others are reported only by displays that have them. */
  readonly alwaysReported?: true;
  /** Present if the desired document has the property. `rules`: keywords allowed besides values. */
  readonly desired?: { readonly rules?: readonly string[] };
  /** Present if there is a command `display.<property>`. */
  readonly command?: PropertyCommand;
}

export interface PropertyCommand {
  /** Name of the command's parameter. */
  readonly parameter: string;
  /** For a boolean parameter: the property value that each stands for. */
  readonly flag?: { readonly true: string; readonly false: string };
  /** Name of the observed value in the command's result. */
  readonly result: string;
  /** Typical time from start to outcome. */
  readonly expectedMs: number;
  readonly summary: string;
  /** What a viewer in front of the display sees. */
  readonly wall: string;
  /** What the outcome `succeeded` proves. */
  readonly proof: string;
}

/** For settings that take effect at once. */
const PROMPT = { reactMs: 2_500, changeMs: 0, lookMs: 3_000 } as const;

export const DISPLAY_PROPERTIES = {
  power: {
    // `standby` covers every state in which the panel is intentionally dark.
    type: { kind: "choice", values: ["on", "standby"], transitional: { "turning-on": "on", "turning-off": "standby" } },
    label: "Power",
    wish: "the display to be {}",
    lacking: "this display's power cannot be switched",
    noSuchValueCode: "display.out-of-range",
    // Some TVs need half a minute to warm up; the command waits for that.
    reactMs: 2_500,
    changeMs: 15_000,
    lookMs: 8_000,
    alwaysReported: true,
    desired: { rules: ["schedule"] },
    command: {
      parameter: "on",
      flag: { true: "on", false: "standby" },
      result: "power",
      expectedMs: 8_000,
      summary: "Switches the display on or to standby.",
      wall: "The display lights up or goes dark.",
      proof: "The display, asked afterwards, reported the wanted state.",
    },
  },
  input: {
    type: { kind: "name", lengthMax: 32 },
    label: "Input",
    wish: "input {}",
    lacking: "this display's inputs cannot be switched",
    noSuchValueCode: "display.no-such-input",
    ...PROMPT,
    alwaysReported: true,
    desired: {},
    command: {
      parameter: "input",
      result: "input",
      expectedMs: 3_000,
      summary: "Switches the display to one of its inputs.",
      wall: "The display shows the named input.",
      proof: "The display reported the wanted input.",
    },
  },
  brightness: {
    type: { kind: "percent" },
    label: "Brightness",
    wish: "a brightness of {} percent",
    lacking: "this display's brightness cannot be set",
    noSuchValueCode: "display.out-of-range",
    ...PROMPT,
    alwaysReported: true,
    desired: {},
    command: {
      parameter: "percent",
      result: "percent",
      expectedMs: 3_000,
      summary: "Sets the display's brightness.",
      wall: "The picture becomes brighter or darker.",
      proof: "The display reported the wanted brightness.",
    },
  },
  // The panel's own speakers. The device's own sound is `audio`.
  volume: {
    type: { kind: "percent" },
    label: "Volume",
    wish: "a volume of {} percent",
    lacking: "this display's volume cannot be set",
    noSuchValueCode: "display.out-of-range",
    ...PROMPT,
    alwaysReported: true,
    desired: {},
  },
  mute: {
    type: { kind: "flag" },
    label: "Mute",
    wish: "muting to be {}",
    lacking: "this display cannot be muted",
    noSuchValueCode: "display.out-of-range",
    ...PROMPT,
    alwaysReported: true,
    desired: {},
  },
  orientation: {
    type: { kind: "degrees", values: [0, 90, 180, 270] },
    label: "Orientation",
    wish: "an orientation of {} degrees",
    lacking: "the picture cannot be turned",
    noSuchValueCode: "display.no-such-orientation",
    ...PROMPT,
    alwaysReported: true,
    desired: {},
    command: {
      parameter: "degrees",
      result: "degrees",
      expectedMs: 3_000,
      summary: "Turns the picture.",
      wall: "The picture turns clockwise by the angle.",
      proof: "The display or the output reported the wanted angle.",
    },
  },
  // The size and rate of the picture that the output sends, before it is turned.
  mode: {
    type: { kind: "mode" },
    label: "Video mode",
    wish: "the video mode {}",
    lacking: "the video mode of this display's output cannot be set",
    noSuchValueCode: "display.no-such-mode",
    ...PROMPT,
    disturbedRetryMaxMs: 6 * 3_600_000,
    desired: {},
    command: {
      parameter: "mode",
      result: "mode",
      expectedMs: 3_000,
      summary: "Sets the video mode of the display's output: the size and the rate of the picture.",
      wall: "The screen is dark for a moment, then the picture has the new size or rate.",
      proof: "The output reported the wanted size, at the wanted rate or less than 1 Hz beside it.",
    },
  },
} as const satisfies Readonly<Record<string, PropertyRow>>;

type Rows = typeof DISPLAY_PROPERTIES;
export type DisplayProperty = keyof Rows;
/** Properties whose row has the field `Part`. */
type PropertyWith<Part extends keyof PropertyRow> = { [P in DisplayProperty]: Rows[P] extends { readonly [K in Part]: object | true } ? P : never }[DisplayProperty];
export type DesiredProperty = PropertyWith<"desired">;
export type CommandedProperty = PropertyWith<"command">;
export type AlwaysReportedProperty = PropertyWith<"alwaysReported">;

type Settable<T extends PropertyType> = T extends { kind: "choice" | "degrees"; values: readonly (infer V)[] } ? V
  : T extends { kind: "name" | "mode" } ? string
  : T extends { kind: "percent" } ? number
  : T extends { kind: "flag" } ? boolean
  : never;
/** A value that can be set: `SettableValue<"power">` is `"on" | "standby"`. */
export type SettableValue<P extends DisplayProperty> = Settable<Rows[P]["type"]>;
/** A value that can be observed: settable values and transitional ones. */
export type DisplayValue<P extends DisplayProperty> = SettableValue<P> | (Rows[P]["type"] extends { transitional: infer Words } ? keyof Words & string : never);
export type DisplayPower = DisplayValue<"power">;

/** Desired state of one display: values, or keywords for rules. */
export type DisplayWish = { readonly [P in DesiredProperty]?: SettableValue<P> | (Rows[P]["desired"] extends { rules: readonly (infer R)[] } ? R : never) };

/** Observed state of one display, one reading per property. */
export type DisplayStatus = { readonly [P in DisplayProperty]: Reading<DisplayValue<P>> };

export const DISPLAY_PROPERTY_NAMES = Object.keys(DISPLAY_PROPERTIES) as readonly DisplayProperty[];
export const DESIRED_PROPERTIES = DISPLAY_PROPERTY_NAMES.filter((name): name is DesiredProperty => propertyRow(name).desired !== undefined);
export const COMMANDED_PROPERTIES = DISPLAY_PROPERTY_NAMES.filter((name): name is CommandedProperty => propertyRow(name).command !== undefined);
export const PERCENT_PROPERTIES = DISPLAY_PROPERTY_NAMES.filter((name) => propertyRow(name).type.kind === "percent");

/** Unit to append to a number: ` %` or `°`; empty for any other name. */
export function unitOf(name: string): string {
  const kind = Object.hasOwn(DISPLAY_PROPERTIES, name) ? propertyRow(name as DisplayProperty).type.kind : undefined;
  return kind === "percent" ? " %" : kind === "degrees" ? "°" : "";
}

/** The row with its general type, for code that iterates over the table. */
export function propertyRow(property: DisplayProperty): PropertyRow {
  return DISPLAY_PROPERTIES[property];
}

/** Builds a status from one reading per property. */
export function statusOf(reading: (property: DisplayProperty) => Reading<never>): DisplayStatus {
  return Object.fromEntries(DISPLAY_PROPERTY_NAMES.map((name) => [name, reading(name)])) as unknown as DisplayStatus;
}

/** Compares an observed value with the wanted one. Used by drivers, commands and desired state alike. */
export function compareDisplayValue(property: DisplayProperty, wanted: unknown, observed: unknown): Comparison {
  const { type } = propertyRow(property);
  if (type.kind === "percent") return compareLevel(wanted, observed);
  if (type.kind === "mode") return compareMode(wanted, observed);
  if (type.kind !== "choice" || typeof observed !== "string" || !Object.hasOwn(type.transitional, observed)) return compareExactly(wanted, observed);
  return type.transitional[observed] === wanted ? "settling" : "leaving";
}
