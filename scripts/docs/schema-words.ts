import { isJsonObject, type Json, type JsonObject } from "../../platform/runtime/json.ts";

/** One field of an object schema, for a table. */
export interface FieldWords {
  readonly name: string;
  readonly required: boolean;
  /** Type and range in words. */
  readonly value: string;
  readonly description: string;
}

export function fieldsOf(schema: JsonObject): readonly FieldWords[] {
  const properties = schema["properties"];
  const required = schema["required"];
  if (!isJsonObject(properties)) return [];
  return Object.entries(properties).map(([name, field]) => {
    const description = isJsonObject(field) ? field["description"] : undefined;
    return {
      name,
      required: Array.isArray(required) && required.includes(name),
      value: wordsOf(field),
      description: typeof description === "string" ? description : "",
    };
  });
}

/** Type and range of a JSON Schema in words: `whole number, 1 to 60000`. */
export function wordsOf(schema: Json): string {
  if (!isJsonObject(schema)) return "anything";
  if (Array.isArray(schema["anyOf"])) return schema["anyOf"].map((choice) => wordsOf(choice as Json)).join(", or ");
  if (Array.isArray(schema["enum"])) return schema["enum"].map((choice) => `\`${JSON.stringify(choice)}\``).join(", ");
  if ("const" in schema) return `\`${JSON.stringify(schema["const"])}\``;
  switch (schema["type"]) {
    case "boolean":
      return "`true` or `false`";
    case "integer":
      return `whole number${range(schema["minimum"], schema["maximum"])}`;
    case "number":
      return `number${range(schema["minimum"], schema["maximum"])}`;
    case "string":
      return `text${pattern(schema["pattern"])}${length(schema["minLength"], schema["maxLength"], "character")}`;
    case "array":
      return `list of (${wordsOf(schema["items"] ?? null)})${length(schema["minItems"], schema["maxItems"], "item")}`;
    case "object": {
      const fields = fieldsOf(schema).map(({ name, required, value }) => `\`${name}\`${required ? "" : " (may be absent)"}: ${value}`);
      return fields.length === 0 ? "a JSON object" : `object with ${fields.join("; ")}`;
    }
    default:
      return "anything";
  }
}

function range(low: Json | undefined, high: Json | undefined): string {
  const hasHigh = typeof high === "number" && high !== Number.MAX_SAFE_INTEGER;
  if (typeof low === "number" && hasHigh) return `, ${low} to ${high}`;
  if (typeof low === "number") return `, ${low} or more`;
  return hasHigh ? `, at most ${high}` : "";
}

function length(low: Json | undefined, high: Json | undefined, unit: string): string {
  if (typeof low === "number" && typeof high === "number") return `, ${low} to ${high} ${unit}s`;
  if (typeof high === "number") return `, at most ${high} ${unit}s`;
  return typeof low === "number" ? `, at least ${low} ${unit}${low === 1 ? "" : "s"}` : "";
}

function pattern(expression: Json | undefined): string {
  return typeof expression === "string" ? ` matching \`${expression.replaceAll("|", "\\|")}\`` : "";
}
