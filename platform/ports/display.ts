import { compareDisplayValue, propertyRow, type DisplayProperty, type DisplayStatus, type DisplayValue, type SettableValue } from "./display-properties.ts";
import type { Effect } from "./reading.ts";
import type { JsonObject } from "../runtime/json.ts";
import type { Issue } from "./result.ts";
import { parseMode } from "./video-mode.ts";

/** Properties that can be set. `choices`: the values this display accepts, if fewer than the property allows. */
export type SettableProperties = { readonly [P in DisplayProperty]?: { readonly choices?: readonly SettableValue<P>[] } };

/** Values by property. */
export type DisplayChoices = { readonly [P in DisplayProperty]?: readonly SettableValue<P>[] };

/** What a display can do. A property that is missing here is `unsupported`, never a silent success. */
export interface DisplayCapabilities {
  readonly settable: SettableProperties;
  /** Properties that can be read. */
  readonly readable: readonly DisplayProperty[];
  /** The input this device is plugged into, if known (HDMI-CEC: from the physical address). */
  readonly ownInput?: string;
  /** How power is observed: by querying the panel, only from our own output, or not at all. */
  readonly powerObservedBy: "panel" | "output" | "nothing";
}

/**
 * A screen on the wall, whatever protocol controls it (HDMI-CEC, a network protocol, a panel API).
 * `set` returns what was attempted, acknowledged and then observed. It does not throw when a display does not answer; the
 * `Effect` reports that. Codes: `display.unsupported`, the row's `noSuchValueCode`, `display.no-answer`, `display.not-obeyed`, or
 * the driver's own. Calls are serialised by the implementation: a display bus carries one exchange at a time.
 */
export interface Display {
  readonly capabilities: DisplayCapabilities;
  /** Maximum duration of one `set` of the property; without a property, of any call. Excludes waiting for earlier calls. */
  worstCaseMs(property?: DisplayProperty): number;
  status(): Promise<DisplayStatus>;
  set<P extends DisplayProperty>(property: P, value: SettableValue<P>): Promise<Effect<DisplayValue<P>>>;
  /**
   * The values of properties whose choices change with what is connected, as last observed. A property is missing while its choices are not
   * known, and where it takes any value. Absent if the display has no such properties.
   */
  readonly choices?: () => DisplayChoices;
  /** What the driver learns about displays. Absent if it learns nothing. */
  readonly memory?: DisplayMemory;
}

/** What a driver learns about the displays it meets. Kept for it over restarts; losing it costs only time. */
export interface DisplayMemory {
  /** What works on the display that is connected now: the method by what it is for, such as `power-on`. */
  known(): Readonly<Record<string, string>>;
  /** Takes back a document of `onChange`, whatever version wrote it. */
  restore(document: JsonObject): void;
  /** Calls back with a small document, at most a few KiB, when something was learnt. Returns the unsubscribe function. */
  onChange(listener: (document: JsonObject) => void): () => void;
}

/** A display and how it is attached. In documents and commands, `display` means a device's first one. */
export interface AttachedDisplay {
  /** Unique on the device; see `DISPLAY_NAME`. */
  readonly name: string;
  readonly display: Display;
  /** Names in the table of drivers, joined by `+`, such as `cec` or `cec+output`. */
  readonly driver: string;
  /** Address or device file through which the driver reaches it; absent if the driver needs none. */
  readonly connection?: string;
  /** Connector of the video output that feeds it, such as `HDMI-A-1`. */
  readonly output?: string;
  /** Distinguishes several displays on one connection. */
  readonly setId?: number;
}

/** Name of a display: lower-case words of letters and digits joined by `-`. It is part of keys and alarm codes. */
export const DISPLAY_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
export const DISPLAY_NAME_LENGTH_MAX = 24;
/** Maximum number of displays per device. */
export const DISPLAYS_MAX = 32;

/** Why a display with these choices cannot accept the value; `undefined` if it can. The only check of ranges and choices. */
export function refusalOf(property: DisplayProperty, value: unknown, choices?: readonly unknown[]): Issue | undefined {
  const { type, noSuchValueCode } = propertyRow(property);
  if (type.kind === "percent") {
    const isPercent = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 100;
    return isPercent ? undefined : { code: noSuchValueCode, message: "expected a whole percentage from 0 to 100" };
  }
  if (type.kind === "mode") {
    if (parseMode(value) === undefined) return { code: noSuchValueCode, message: `${String(value).slice(0, 64)} is no video mode`, hint: "expected a size, or a size and a rate, such as 1920x1080@60" };
    if (choices === undefined) return undefined;
  }
  const all = choices ?? (type.kind === "flag" ? [true, false] : "values" in type ? type.values : []);
  // A wanted mode stands for all that count as it.
  const isAmong = type.kind === "mode" ? all.some((choice) => compareDisplayValue(property, value, choice) !== "different") : all.includes(value);
  return isAmong ? undefined : noSuchValue(property, value, all);
}

/** The refusal of a value that is not among those the display has. */
export function noSuchValue(property: DisplayProperty, value: unknown, all: readonly unknown[]): Issue {
  return { code: propertyRow(property).noSuchValueCode, message: `this display has no ${property} ${String(value).slice(0, 64)}`, hint: `It has ${all.join(", ").slice(0, 500)}.` };
}
