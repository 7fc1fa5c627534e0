import { propertyRow, type DisplayProperty } from "../display-properties.ts";

/** Values to set a property to, the ends of its range among them. `names`: what a display calls its own, for a property that is one of them. */
export function examplesOf(property: DisplayProperty, names: readonly string[] = ["hdmi-1", "hdmi-2"]): readonly unknown[] {
  const { type } = propertyRow(property);
  switch (type.kind) {
    case "percent":
      return [100, 0, 37];
    case "flag":
      return [true, false];
    case "name":
      return names;
    case "choice":
    case "degrees":
      return type.values;
  }
}
