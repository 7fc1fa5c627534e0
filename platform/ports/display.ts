import { propertyRow, type DisplayProperty, type DisplayStatus, type DisplayValue, type SettableValue } from "./display-properties.ts";
import type { Effect } from "./reading.ts";
import type { Issue } from "./result.ts";

/** What can be set. `choices`: the values this display takes, where they are not all of the property's. */
export type SettableProperties = { readonly [P in DisplayProperty]?: { readonly choices?: readonly SettableValue<P>[] } };

/** What a display can do. A property that is not there is `unsupported`, never a silent success. */
export interface DisplayCapabilities {
  readonly settable: SettableProperties;
  /** What it can be asked. */
  readonly readable: readonly DisplayProperty[];
  /** The input this device is plugged into, where it can be known (HDMI-CEC: from the physical address). */
  readonly ownInput?: string;
  /** How power is observed: by asking the panel, by looking at our own output only, or not at all. */
  readonly powerObservedBy: "panel" | "output" | "nothing";
}

/**
 * A screen on the wall, over whatever wire reaches it (HDMI-CEC, a network protocol, a panel API).
 * `set` returns what was attempted, acknowledged and then observed. It never throws for a display that does not answer; it says
 * so in the `Effect`. Codes: `display.unsupported`, the row's `noSuchValueCode`, `display.no-answer`, `display.not-obeyed`, or
 * the driver's own. Calls are serialised by the implementation: a display bus carries one conversation at a time.
 */
export interface Display {
  readonly capabilities: DisplayCapabilities;
  /** Longest time one `set` of the property may take; without a property, the longest of any call. Excludes waiting for earlier calls. */
  worstCaseMs(property?: DisplayProperty): number;
  status(): Promise<DisplayStatus>;
  set<P extends DisplayProperty>(property: P, value: SettableValue<P>): Promise<Effect<DisplayValue<P>>>;
}

/** A display and where it hangs. The first of a device is the one that `display` in documents and commands means. */
export interface AttachedDisplay {
  /** Unique on the device; see `DISPLAY_NAME`. */
  readonly name: string;
  readonly display: Display;
  /** Name in the table of drivers: `cec`. */
  readonly driver: string;
  /** Where the driver reaches it: an address or a device file; absent where the driver needs none. */
  readonly connection?: string;
  /** Connector of the video output it hangs on, such as `HDMI-A-1`. */
  readonly output?: string;
  /** Its number among several displays on one connection. */
  readonly setId?: number;
}

/** Name of a display: lower-case words of letters and digits joined by `-`. It is part of keys and alarm codes. */
export const DISPLAY_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
export const DISPLAY_NAME_LENGTH_MAX = 24;
/** Displays one device can have: a wall of 32. */
export const DISPLAYS_MAX = 32;

/** Why a display with these choices cannot take the value; `undefined`: it can. The one check of ranges and choices. */
export function refusalOf(property: DisplayProperty, value: unknown, choices?: readonly unknown[]): Issue | undefined {
  const { type, noSuchValueCode } = propertyRow(property);
  if (type.kind === "percent") {
    const isPercent = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 100;
    return isPercent ? undefined : { code: noSuchValueCode, message: "expected a whole percentage from 0 to 100" };
  }
  const all = choices ?? (type.kind === "flag" ? [true, false] : type.kind === "name" ? [] : type.values);
  if (all.includes(value)) return undefined;
  const shown = String(value).slice(0, 64);
  return { code: noSuchValueCode, message: `this display has no ${property} ${shown}`, hint: `It has ${all.join(", ").slice(0, 500)}.` };
}
