import type { Json } from "../../../platform/runtime/json.ts";

/** Deepest nesting of a section. A frame may be 32 levels deep, and a section is three levels inside it. */
export const SECTION_DEPTH_MAX = 24;

/**
 * `value` as it can travel in a merge patch (RFC 7396), where `null` means "delete": members that are null
 * or undefined are left out, at every level outside arrays. A patch replaces arrays whole, so nulls in them
 * stay. `undefined` when the value is not JSON or nested deeper than `SECTION_DEPTH_MAX`.
 */
export function reportable(value: unknown): Json | undefined {
  const converted = convert(value, 0, false);
  return converted === TOO_DEEP || converted === null ? undefined : converted;
}

const TOO_DEEP = Symbol("too deep");

function convert(value: unknown, depth: number, inArray: boolean): Json | undefined | typeof TOO_DEEP {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  // JSON has no NaN and no infinities; they would become null, which means "delete".
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "object") return undefined;
  if (depth >= SECTION_DEPTH_MAX) return TOO_DEEP;
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value as unknown[]) {
      const converted = convert(item, depth + 1, true);
      if (converted === TOO_DEEP) return TOO_DEEP;
      items.push(converted ?? null);
    }
    return items;
  }
  const members: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    // Assigning to this name would set the prototype, not a key.
    if (key === "__proto__") continue;
    const converted = convert((value as Readonly<Record<string, unknown>>)[key], depth + 1, inArray);
    if (converted === TOO_DEEP) return TOO_DEEP;
    if (converted !== undefined && (converted !== null || inArray)) members[key] = converted;
  }
  return members;
}
