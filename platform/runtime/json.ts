/** Anything JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses without throwing; `undefined` when the text is not JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // Not JSON is an answer here, not an accident: the caller reports it with its own code.
    return undefined;
  }
}

/** Same value, same text: keys sorted at every level. For hashes and comparisons, never for signing. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as Json)).join(",")}]`;
  if (isJsonObject(value)) {
    const parts = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
    return `{${parts.join(",")}}`;
  }
  return JSON.stringify(value);
}

/** RFC 7396: objects merge key by key, `null` deletes, everything else replaces. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged: Record<string, Json> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    // Assigning to this name would change the object's prototype instead of a key of it.
    if (key === "__proto__") continue;
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(own(merged, key) ?? null, value);
  }
  return merged;
}

/** The RFC 7396 patch that turns `from` into `to`; `undefined` when they are equal. Values may not be null. */
export function diffPatch(from: JsonObject, to: JsonObject): JsonObject | undefined {
  const patch: Record<string, Json> = {};
  for (const key of Object.keys(from)) if (own(to, key) === undefined && key !== "__proto__") patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    if (key === "__proto__") continue;
    const before = own(from, key);
    if (before === undefined) patch[key] = value;
    else if (isJsonObject(before) && isJsonObject(value)) {
      const inner = diffPatch(before, value);
      if (inner !== undefined) patch[key] = inner;
    } else if (canonicalJson(before) !== canonicalJson(value)) patch[key] = value;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** The object's own value: a document may have a key called `toString`, and most have none. */
function own(object: JsonObject, key: string): Json | undefined {
  return Object.prototype.hasOwnProperty.call(object, key) ? object[key] : undefined;
}
