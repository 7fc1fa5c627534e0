import { nearestName } from "../../../agent/core/config/nearest-name.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";

/**
 * Turns `--on false --percent 40` into parameters by the command's JSON Schema. `--mute` alone is true,
 * `--no-mute` false; a list is JSON or comma-separated. Ranges are left to the cloud and the device.
 * Codes: `params.unknown`, `params.wrong-type`, `params.not-json` (broken JSON where any value is allowed).
 */
export function paramsFromWords(words: readonly string[], schema: JsonObject): Result<JsonObject> {
  const properties = isJsonObject(schema["properties"] ?? null) ? (schema["properties"] as JsonObject) : {};
  const params: Record<string, Json> = {};
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const match = /^--(no-)?([^=]+)(?:=(.*))?$/s.exec(word);
    if (match === null) return fail("params.unknown", `"${word}" is not a parameter`, `parameters are written --name value; this command has ${list(properties)}`);
    const [, negated, name = "", inline] = match;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) {
      const meant = nearestName(name, Object.keys(properties));
      return fail("params.unknown", `this command has no parameter "${name}"${meant === undefined ? "" : `; did you mean "${meant}"?`}`, `it has ${list(properties)}`);
    }
    const next = words[at + 1];
    const hasNext = inline === undefined && negated === undefined && next !== undefined && !next.startsWith("--");
    if (hasNext) at += 1;
    if (negated === undefined && anythingGoes(property) && isBrokenJson(inline ?? (hasNext ? next : ""))) {
      return fail("params.not-json", `--${name} ${inline ?? next ?? ""}: starts like JSON but is not valid`, `in JSON, keys and strings need double quotes: '{"order": 42}'; to send text that starts with { or [, quote it as JSON: '"{…"'`);
    }
    const value = negated !== undefined ? false : convert(inline ?? (hasNext ? next : "true"), property);
    if (value === undefined) return fail("params.wrong-type", `--${name} ${inline ?? next ?? ""}: must be ${describe(property)}`);
    params[name] = value;
  }
  return ok(params);
}

function list(properties: JsonObject): string {
  const names = Object.keys(properties).map((name) => `--${name}`);
  return names.length > 0 ? names.join(", ") : "no parameters";
}

/** Converts the text to the first type of the schema that fits. */
function convert(text: string, schema: Json): Json | undefined {
  for (const option of alternatives(schema)) {
    // Any value: parsed JSON if it is JSON, else the text itself.
    if (isAnything(option)) return jsonOf(text, () => true) ?? text;
    const type = typeof option["type"] === "string" ? option["type"] : typeof firstOf(option["enum"]);
    if (type === "boolean" && /^(?:true|false|on|off|yes|no)$/.test(text)) return /^(?:true|on|yes)$/.test(text);
    if ((type === "number" || type === "integer") && text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
    if (type === "string") return text;
    if (type === "array") return listValue(text);
    if (type === "object") return objectValue(text);
  }
  return undefined;
}

function anythingGoes(schema: Json): boolean {
  return alternatives(schema).some(isAnything);
}

function isAnything(option: JsonObject): boolean {
  return option["type"] === undefined && option["enum"] === undefined && option["anyOf"] === undefined;
}

/** Starts like JSON but is not: sending it as text is surely not what the user meant. */
function isBrokenJson(text: string): boolean {
  return /^\s*[[{]/.test(text) && jsonOf(text, () => true) === undefined;
}

function alternatives(schema: Json): readonly JsonObject[] {
  if (!isJsonObject(schema)) return [];
  const options = schema["anyOf"] ?? schema["oneOf"];
  // Numbers first: where a GPIO line may be a name or a number, "4" means the line with offset 4.
  const rank = (option: Json): number => (isJsonObject(option) && option["type"] === "string" ? 1 : 0);
  return Array.isArray(options) ? [...(options as readonly Json[])].sort((a, b) => rank(a) - rank(b)).filter(isJsonObject) : [schema];
}

function firstOf(values: Json | undefined): Json | undefined {
  return Array.isArray(values) ? (values[0] as Json) : undefined;
}

function listValue(text: string): Json | undefined {
  if (text.startsWith("[")) return jsonOf(text, Array.isArray);
  return text.split(",").map((part) => (Number.isFinite(Number(part)) && part.trim() !== "" ? Number(part) : part));
}

function objectValue(text: string): Json | undefined {
  return jsonOf(text, isJsonObject);
}

function jsonOf(text: string, fits: (value: unknown) => boolean): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return fits(value) ? value : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function describe(schema: Json): string {
  const names = alternatives(schema).map((option) => {
    const values = option["enum"];
    return Array.isArray(values) ? `one of ${values.map((value) => JSON.stringify(value)).join(", ")}` : typeof option["type"] === "string" ? option["type"] : "JSON";
  });
  return names.join(" or ");
}
