import { fail, ok, type Result } from "../../../tool-result.ts";
import { unitOf } from "../../../../platform/ports/display-properties.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";
import { titled } from "./format.ts";

interface Common {
  /** Name of the parameter. */
  readonly name: string;
  readonly label: string;
  readonly help: string | undefined;
  readonly required: boolean;
  readonly fallback: Json | undefined;
  /** `null` is a valid value. */
  readonly nullable: boolean;
}

/** One form field, derived from a JSON Schema (draft 2020-12). */
export type Field = Common &
  (
    | { readonly kind: "boolean" }
    | { readonly kind: "choice"; readonly options: readonly Json[] }
    /** Any text; `options` are suggestions from the device. `numeric`: numbers are accepted too. */
    | { readonly kind: "text"; readonly options: readonly Json[]; readonly maxLength: number | undefined; readonly pattern: string | undefined; readonly numeric: boolean }
    | { readonly kind: "number"; readonly whole: boolean; readonly min: number | undefined; readonly max: number | undefined; readonly slider: boolean; readonly unit: string }
    | { readonly kind: "set"; readonly options: readonly Json[] }
    | { readonly kind: "list"; readonly item: "number" | "text"; readonly maxItems: number | undefined }
    | { readonly kind: "group"; readonly fields: readonly Field[] }
    /** Entered as JSON, because no other control fits. */
    | { readonly kind: "json" }
  );

/** A slider with more steps cannot be set precisely by hand. */
const SLIDER_STEPS_MAX = 10_000;

/** Fields of an object schema. `choices`: by parameter, from the device's profile. */
export function fieldsOf(schema: Json | undefined, choices: JsonObject = {}): Field[] {
  if (!isJsonObject(schema) || !isJsonObject(schema["properties"])) return [];
  const required = Array.isArray(schema["required"]) ? (schema["required"] as readonly Json[]) : [];
  // Ask for the display only when the device offers a choice.
  const asked = Object.entries(schema["properties"]).filter(([name]) => name !== "display" || choices[name] !== undefined);
  return asked.map(([name, property]) => fieldOf(name, property, required.includes(name), choices[name]));
}

export function fieldOf(name: string, schemaGiven: Json, required: boolean, choicesGiven?: Json): Field {
  const { schema, nullable } = withoutNull(isJsonObject(schemaGiven) ? schemaGiven : {});
  const help = typeof schema["description"] === "string" ? schema["description"] : undefined;
  const common: Common = { name, label: titled(name.replace(/Ms$/, "")), help, required, fallback: schema["default"], nullable };
  const choices = Array.isArray(choicesGiven) ? (choicesGiven as readonly Json[]) : [];
  const options = optionsOf(schema);
  if (options !== undefined) {
    // The device's choices narrow the schema's options, unless none of them match.
    const offered = options.filter((option) => choices.includes(option));
    return { ...common, kind: "choice", options: offered.length > 0 ? offered : options };
  }
  const union = alternatives(schema);
  if (union !== undefined) {
    const types = union.map((part) => part["type"]);
    if (types.every((type) => type === "string" || type === "number" || type === "integer")) {
      const text = union.find((part) => part["type"] === "string");
      return { ...common, kind: "text", options: choices, maxLength: numberAt(text, "maxLength"), pattern: undefined, numeric: types.some((type) => type !== "string") };
    }
    return { ...common, kind: "json" };
  }
  switch (schema["type"]) {
    case "boolean":
      return { ...common, kind: "boolean" };
    case "integer":
    case "number":
      return numberField(common, schema);
    case "string":
      return {
        ...common, kind: "text", options: choices, maxLength: numberAt(schema, "maxLength"), numeric: false,
        pattern: typeof schema["pattern"] === "string" ? schema["pattern"] : undefined,
      };
    case "array":
      return arrayField(common, schema);
    case "object":
      return isJsonObject(schema["properties"]) ? { ...common, kind: "group", fields: fieldsOf(schema) } : { ...common, kind: "json" };
    default:
      return { ...common, kind: "json" };
  }
}

function numberField(common: Common, schema: JsonObject): Field {
  const [min, max] = [numberAt(schema, "minimum"), numberAt(schema, "maximum")];
  const slider = min !== undefined && max !== undefined && max - min <= SLIDER_STEPS_MAX;
  const unit = common.name.endsWith("Ms") ? "ms" : common.name === "percent" ? "%" : unitOf(common.name).trim();
  return { ...common, kind: "number", whole: schema["type"] === "integer", min, max, slider, unit };
}

function arrayField(common: Common, schema: JsonObject): Field {
  const items = isJsonObject(schema["items"]) ? schema["items"] : {};
  const options = optionsOf(items);
  if (options !== undefined) return { ...common, kind: "set", options };
  const maxItems = numberAt(schema, "maxItems");
  if (items["type"] === "integer" || items["type"] === "number") return { ...common, kind: "list", item: "number", maxItems };
  if (items["type"] === "string") return { ...common, kind: "list", item: "text", maxItems };
  return { ...common, kind: "json" };
}

function optionsOf(schema: JsonObject): readonly Json[] | undefined {
  if (Array.isArray(schema["enum"])) return schema["enum"] as readonly Json[];
  if ("const" in schema) return [schema["const"] ?? null];
  const union = alternatives(schema);
  if (union !== undefined && union.every((part) => "const" in part)) return union.map((part) => part["const"] ?? null);
  return undefined;
}

function alternatives(schema: JsonObject): readonly JsonObject[] | undefined {
  const union = schema["anyOf"] ?? schema["oneOf"];
  return Array.isArray(union) ? (union as readonly Json[]).filter((part) => isJsonObject(part)) : undefined;
}

function withoutNull(schema: JsonObject): { readonly schema: JsonObject; readonly nullable: boolean } {
  const union = alternatives(schema);
  const rest = union?.filter((part) => part["type"] !== "null");
  if (union === undefined || rest === undefined || rest.length === union.length) return { schema, nullable: false };
  const { anyOf: _any, oneOf: _one, ...around } = schema;
  return { schema: rest.length === 1 ? { ...around, ...rest[0] } : { ...around, anyOf: rest }, nullable: true };
}

function numberAt(schema: JsonObject | undefined, key: string): number | undefined {
  const value = schema?.[key];
  return typeof value === "number" ? value : undefined;
}

/** Parses the text typed into a field. `undefined`: left out. Code: `form.invalid`. */
export function readText(field: Field, text: string): Result<Json | undefined> {
  const trimmed = text.trim();
  if (trimmed === "") return field.required ? fail("form.invalid", `${field.label} is required`) : ok(undefined);
  switch (field.kind) {
    case "number":
      return readNumber(field, trimmed);
    case "text":
      return readWord(field, text);
    case "list":
      return readList(field, trimmed);
    case "json": {
      const value = parseJson(trimmed);
      return value === undefined ? fail("form.invalid", `${field.label} is not JSON`) : ok(value);
    }
    default:
      return ok(trimmed);
  }
}

function readNumber(field: Field & { kind: "number" }, text: string): Result<Json> {
  const value = Number(text);
  if (!Number.isFinite(value)) return fail("form.invalid", `${field.label} is not a number`);
  if (field.whole && !Number.isInteger(value)) return fail("form.invalid", `${field.label} must be a whole number`);
  if ((field.min !== undefined && value < field.min) || (field.max !== undefined && value > field.max)) {
    return fail("form.invalid", `${field.label} must be from ${field.min ?? "any"} to ${field.max ?? "any"}`);
  }
  return ok(value);
}

function readWord(field: Field & { kind: "text" }, text: string): Result<Json> {
  if (field.maxLength !== undefined && text.length > field.maxLength) return fail("form.invalid", `${field.label} has at most ${field.maxLength} characters`);
  // Digits mean a number: no line or id is named "17".
  if (field.numeric && /^\d{1,9}$/.test(text.trim())) return ok(Number(text.trim()));
  return ok(text);
}

function readList(field: Field & { kind: "list" }, text: string): Result<Json> {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  if (field.maxItems !== undefined && words.length > field.maxItems) return fail("form.invalid", `${field.label} takes at most ${field.maxItems}`);
  if (field.item === "text") return ok(words);
  const numbers = words.map(Number);
  const wrong = numbers.findIndex((value) => !Number.isFinite(value));
  return wrong < 0 ? ok(numbers) : fail("form.invalid", `${field.label}: "${words[wrong] ?? ""}" is not a number`);
}
