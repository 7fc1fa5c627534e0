import { compareExactly, compareLevel, type Comparison } from "./comparison.ts";
import type { Reading } from "./reading.ts";
import type { Code } from "./codes.ts";

/**
 * Everything that can be known of a display or set on it, one row a property. From this table follow the types, the port
 * `Display`, commands, desired keys, the reported document, the profile, the published schemas and the documents. A new
 * property is a row here and a question or an order in the drivers that have it.
 */

/** The values a property takes. */
export type PropertyType =
  /** `values` can be set. `transitional` are seen on the way: each word with the value it leads to. */
  | { readonly kind: "choice"; readonly values: readonly string[]; readonly transitional: Readonly<Record<string, string>> }
  /** One of the display's own names, such as `hdmi-1`. */
  | { readonly kind: "name"; readonly lengthMax: number }
  /** Whole number from 0 to 100. */
  | { readonly kind: "percent" }
  | { readonly kind: "flag" }
  /** Clockwise angle. */
  | { readonly kind: "degrees"; readonly values: readonly number[] };

export interface PropertyRow {
  readonly type: PropertyType;
  /** For forms and headings. */
  readonly label: string;
  /** What was asked for, with `{}` for the value: `asked for a brightness of 40 percent`. */
  readonly wish: string;
  /** Said of a display on which it cannot be set. */
  readonly lacking: string;
  /** Code for a value that the display does not have among its choices. */
  readonly noSuchValueCode: Code;
  /** A display that obeys shows it, or has begun to change, this long after it was told. */
  readonly reactMs: number;
  /** A display that is still changing is waited for this long; then it is reported as it is, so that its lane goes on. */
  readonly changeMs: number;
  /** How long a command goes on looking at a display that shows no sign of obeying, after the driver's own wait. */
  readonly lookMs: number;
  /** In the reported document of every display, as `unsupported` where it has none. Other properties are reported by displays that have them. */
  readonly alwaysReported?: true;
  /** The desired document has it. `rules`: words it takes besides values. */
  readonly desired?: { readonly rules?: readonly string[] };
  /** There is a command `display.<property>`. */
  readonly command?: PropertyCommand;
}

export interface PropertyCommand {
  /** Name of its parameter. */
  readonly parameter: string;
  /** Where the parameter is a boolean: the value that each stands for. */
  readonly flag?: { readonly true: string; readonly false: string };
  /** Name of the observed value in the command's result. */
  readonly result: string;
  /** Usual time from start to outcome. */
  readonly expectedMs: number;
  readonly summary: string;
  /** What somebody in front of the wall sees. */
  readonly wall: string;
  /** What `succeeded` means. */
  readonly proof: string;
}

/** Settings that a display shows at once. */
const PROMPT = { reactMs: 2_500, changeMs: 0, lookMs: 3_000 } as const;

export const DISPLAY_PROPERTIES = {
  power: {
    // `standby` covers every state in which the panel shows nothing on purpose.
    type: { kind: "choice", values: ["on", "standby"], transitional: { "turning-on": "on", "turning-off": "standby" } },
    label: "Power",
    wish: "the display to be {}",
    lacking: "this display's power cannot be switched",
    noSuchValueCode: "display.out-of-range",
    // Some sets need half a minute to warm up; the command waits for it.
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
  // Of the panel's own speakers; the device's own sound is `audio`.
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
} as const satisfies Readonly<Record<string, PropertyRow>>;

type Rows = typeof DISPLAY_PROPERTIES;
export type DisplayProperty = keyof Rows;
/** Properties whose row has the given part. */
type PropertyWith<Part extends keyof PropertyRow> = { [P in DisplayProperty]: Rows[P] extends { readonly [K in Part]: object | true } ? P : never }[DisplayProperty];
export type DesiredProperty = PropertyWith<"desired">;
export type CommandedProperty = PropertyWith<"command">;
export type AlwaysReportedProperty = PropertyWith<"alwaysReported">;

type Settable<T extends PropertyType> = T extends { kind: "choice" | "degrees"; values: readonly (infer V)[] } ? V
  : T extends { kind: "name" } ? string
  : T extends { kind: "percent" } ? number
  : T extends { kind: "flag" } ? boolean
  : never;
/** A value that can be set: `SettableValue<"power">` is `"on" | "standby"`. */
export type SettableValue<P extends DisplayProperty> = Settable<Rows[P]["type"]>;
/** A value that can be seen: with the words for being on the way. */
export type DisplayValue<P extends DisplayProperty> = SettableValue<P> | (Rows[P]["type"] extends { transitional: infer Words } ? keyof Words & string : never);
export type DisplayPower = DisplayValue<"power">;

/** What the desired document says of a display: values, and words for rules. */
export type DisplayWish = { readonly [P in DesiredProperty]?: SettableValue<P> | (Rows[P]["desired"] extends { rules: readonly (infer R)[] } ? R : never) };

/** What one display told about itself, each property on its own. */
export type DisplayStatus = { readonly [P in DisplayProperty]: Reading<DisplayValue<P>> };

export const DISPLAY_PROPERTY_NAMES = Object.keys(DISPLAY_PROPERTIES) as readonly DisplayProperty[];
export const DESIRED_PROPERTIES = DISPLAY_PROPERTY_NAMES.filter((name): name is DesiredProperty => propertyRow(name).desired !== undefined);
export const COMMANDED_PROPERTIES = DISPLAY_PROPERTY_NAMES.filter((name): name is CommandedProperty => propertyRow(name).command !== undefined);
/** Properties measured in percent. */
export const PERCENT_PROPERTIES = DISPLAY_PROPERTY_NAMES.filter((name) => propertyRow(name).type.kind === "percent");

/** Unit as it is written after a number: ` %`, `°`; empty for a name that is no such property. */
export function unitOf(name: string): string {
  const kind = Object.hasOwn(DISPLAY_PROPERTIES, name) ? propertyRow(name as DisplayProperty).type.kind : undefined;
  return kind === "percent" ? " %" : kind === "degrees" ? "°" : "";
}

/** The row with its general type, for whoever walks the table. */
export function propertyRow(property: DisplayProperty): PropertyRow {
  return DISPLAY_PROPERTIES[property];
}

/** A status made of one reading a property. */
export function statusOf(reading: (property: DisplayProperty) => Reading<never>): DisplayStatus {
  return Object.fromEntries(DISPLAY_PROPERTY_NAMES.map((name) => [name, reading(name)])) as unknown as DisplayStatus;
}

/** The one judgement of an observed value, for drivers, commands and desired state alike. */
export function compareDisplayValue(property: DisplayProperty, wanted: unknown, observed: unknown): Comparison {
  const { type } = propertyRow(property);
  if (type.kind === "percent") return compareLevel(wanted, observed);
  if (type.kind !== "choice" || typeof observed !== "string" || !Object.hasOwn(type.transitional, observed)) return compareExactly(wanted, observed);
  return type.transitional[observed] === wanted ? "settling" : "leaving";
}
