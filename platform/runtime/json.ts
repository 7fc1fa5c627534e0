/** Any JSON value. */
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
    // Invalid JSON is an expected result; the caller reports it with its own code.
    return undefined;
  }
}

/** Whether two values are equal regardless of key order. Equivalent to comparing `canonicalJson`, without building text. */
export function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((item, at) => sameJson(item as Json, other[at] as Json));
  }
  const here = one as JsonObject;
  const there = other as JsonObject;
  const keys = Object.keys(here);
  if (keys.length !== Object.keys(there).length) return false;
  for (const key of keys) if (!Object.hasOwn(there, key) || !sameJson(here[key], there[key])) return false;
  return true;
}

/** Same value, same text: keys sorted at every level. For hashes and comparisons, never for signing. */
export function canonicalJson(value: Json): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null";
  if (typeof value !== "object" || value === null) return String(value);
  let text = "";
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) text += text === "" ? canonicalJson(item) : `,${canonicalJson(item)}`;
    return `[${text}]`;
  }
  const object = value as JsonObject;
  for (const key of sortedKeys(object)) {
    const member = `${quoted(key)}:${canonicalJson(object[key] ?? null)}`;
    text += text === "" ? member : `,${member}`;
  }
  return `{${text}}`;
}

/** From this many keys the engine's sort is worth its set-up cost. */
const MANY_KEYS = 16;

/** Keys in UTF-16 code unit order. Most objects have a handful of keys, often in order already. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  if (keys.length > MANY_KEYS) return keys.sort();
  for (let at = 1; at < keys.length; at += 1) {
    const key = keys[at] ?? "";
    let to = at;
    for (; to > 0 && (keys[to - 1] ?? "") > key; to -= 1) keys[to] = keys[to - 1] ?? "";
    keys[to] = key;
  }
  return keys;
}

/** Printable ASCII without the two characters JSON escapes there: most keys and values, quoted without a call. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return text.length < 64 && PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** RFC 7396: objects merge key by key, `null` deletes, everything else replaces. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged: Record<string, Json> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    // Assigning to this name would change the object's prototype instead of adding a key.
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
    // Documents are replaced, never changed: the same object has the same members.
    if (before === value) continue;
    if (before === undefined) patch[key] = value;
    else if (isJsonObject(before) && isJsonObject(value)) {
      const inner = diffPatch(before, value);
      if (inner !== undefined) patch[key] = inner;
    } else if (!sameJson(before, value)) patch[key] = value;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Reads only own properties, so that `toString` is not found in a document that has no such key. */
function own(object: JsonObject, key: string): Json | undefined {
  return Object.prototype.hasOwnProperty.call(object, key) ? object[key] : undefined;
}
