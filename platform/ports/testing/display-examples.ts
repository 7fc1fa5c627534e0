import { propertyRow, type DisplayProperty } from "../display-properties.ts";

/** Values to set a property to, including the ends of its range. `names`: the display's names, for a property of kind `name`. */
export function examplesOf(property: DisplayProperty, names: readonly string[] = ["hdmi-1", "hdmi-2"]): readonly unknown[] {
  const { type } = propertyRow(property);
  switch (type.kind) {
    case "percent":
      return [100, 0, 37];
    case "flag":
      return [true, false];
    case "name":
      return names;
    case "mode":
      return ["1280x720@50", "1920x1080@60"];
    case "choice":
    case "degrees":
      return type.values;
  }
}
