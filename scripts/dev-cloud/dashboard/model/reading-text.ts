import { isJsonObject, type Json } from "../../../../platform/runtime/json.ts";
import { brief } from "./format.ts";

/** A `Reading` as text. A value that is not a reading counts as `ok`. */
export type Told =
  | { readonly kind: "ok"; readonly text: string; readonly value: Json }
  | { readonly kind: "unsupported"; readonly text: string }
  | { readonly kind: "unknown"; readonly text: string }
  | { readonly kind: "failed"; readonly text: string; readonly code: string };

export function tell(reading: Json | undefined, show: (value: Json) => string = brief): Told {
  if (!isReading(reading)) return { kind: "ok", text: show(reading ?? null), value: reading ?? null };
  switch (reading["kind"]) {
    case "ok":
      return { kind: "ok", text: show(reading["value"] ?? null), value: reading["value"] ?? null };
    case "unsupported":
      return { kind: "unsupported", text: "not supported by this hardware" };
    case "failed": {
      const error = isJsonObject(reading["error"]) ? reading["error"] : {};
      return { kind: "failed", text: brief(error["message"] ?? "reading failed"), code: brief(error["code"] ?? "unknown") };
    }
    default:
      return { kind: "unknown", text: brief(reading["why"] ?? "no reason given") };
  }
}

export function isReading(value: Json | undefined): value is { readonly [key: string]: Json } {
  if (!isJsonObject(value)) return false;
  switch (value["kind"]) {
    case "ok":
      return "value" in value;
    case "unsupported":
      return Object.keys(value).length === 1;
    case "unknown":
      return "why" in value;
    case "failed":
      return isJsonObject(value["error"]);
    default:
      return false;
  }
}
