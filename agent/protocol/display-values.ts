import * as v from "valibot";
import {
  DESIRED_PROPERTIES, DISPLAY_PROPERTY_NAMES, propertyRow,
  type AlwaysReportedProperty, type DisplayProperty, type DisplayValue, type DisplayWish, type SettableValue,
} from "../../platform/ports/display-properties.ts";
import { DISPLAY_NAME, DISPLAY_NAME_LENGTH_MAX } from "../../platform/ports/display.ts";
import { MODE_TEXT, MODE_TEXT_LENGTH_MAX } from "../../platform/ports/video-mode.ts";
import { PercentSchema, readingOf } from "./values.ts";

/** Wire schemas for displays, derived from the table of display properties. */

type WireReading<T> = v.InferOutput<ReturnType<typeof readingOf<v.GenericSchema<T>>>>;
/** The `display` part of the reported document. Properties added after the first version are optional. */
export type DisplayReport = DisplayReadings & { methods?: Record<string, string>; choices?: Partial<Record<DisplayProperty, string[]>> };
type DisplayReadings = { [P in AlwaysReportedProperty]: WireReading<DisplayValue<P>> } & { [P in Exclude<DisplayProperty, AlwaysReportedProperty>]?: WireReading<DisplayValue<P>> };

/** Most values of one property in the reported `choices`. */
export const CHOICES_REPORTED_MAX = 100;

/** A value that can be set. */
export function settableSchema<P extends DisplayProperty>(property: P): v.GenericSchema<SettableValue<P>> {
  return schemaOf(property, "set") as unknown as v.GenericSchema<SettableValue<P>>;
}

/** Name of a display among several. */
export const DisplayNameSchema = v.pipe(v.string(), v.maxLength(DISPLAY_NAME_LENGTH_MAX), v.regex(DISPLAY_NAME, "must be lower-case words of letters and digits joined by '-'"));

/** The `display` part of the desired document: a value or a rule for each property. */
export const DisplayWishSchema = v.strictObject(
  Object.fromEntries(DESIRED_PROPERTIES.map((property) => [property, v.optional(schemaOf(property, "wish"))])),
) as unknown as v.GenericSchema<DisplayWish>;

export const DisplayReportSchema = v.object(
  Object.fromEntries([
    ...DISPLAY_PROPERTY_NAMES.map((property) => {
      const reading = readingOf(schemaOf(property, "see"));
      return [property, propertyRow(property).alwaysReported === true ? reading : v.optional(reading)];
    }),
    // Values of properties whose choices change with what is connected, such as the modes of the output.
    ["choices", v.optional(v.record(v.pipe(v.string(), v.maxLength(32)), v.pipe(v.array(v.pipe(v.string(), v.maxLength(32))), v.maxLength(CHOICES_REPORTED_MAX))))],
    // How the driver was seen to succeed, by what it is for, such as `power-on`; only where a driver has several ways.
    ["methods", v.optional(v.record(v.pipe(v.string(), v.maxLength(32)), v.pipe(v.string(), v.maxLength(32))))],
  ]),
) as unknown as v.GenericSchema<DisplayReport>;

function schemaOf(property: DisplayProperty, use: "set" | "wish" | "see"): v.GenericSchema {
  const { type, desired } = propertyRow(property);
  switch (type.kind) {
    case "choice":
      return v.picklist([...type.values, ...(use === "wish" ? (desired?.rules ?? []) : use === "see" ? Object.keys(type.transitional) : [])]);
    case "name":
      // Displays name their inputs freely; only a name that is set is bounded.
      return use === "see" ? v.string() : v.pipe(v.string(), v.minLength(1), v.maxLength(type.lengthMax));
    case "mode":
      // An output may name no rate, or one that nobody can set.
      if (use === "see") return v.string();
      return v.pipe(
        v.string(), v.maxLength(MODE_TEXT_LENGTH_MAX), v.regex(MODE_TEXT, "must be a size, or a size and a rate, such as 1920x1080@60"),
        v.description("pixels and Hz, such as 1920x1080@59.94; without a rate: any of that size (as it is, else the highest)"),
      );
    case "percent":
      return PercentSchema;
    case "flag":
      return v.boolean();
    case "degrees":
      return v.picklist(type.values);
  }
}
