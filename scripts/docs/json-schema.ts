import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { JsonObject } from "../../platform/runtime/json.ts";

/**
 * JSON Schema (draft 2020-12) of a schema's input. Rules that JSON Schema cannot express are left out, so it may accept
 * more than the code does, never less.
 */
export function jsonSchemaOf(schema: v.GenericSchema): JsonObject {
  return toJsonSchema(schema, { target: "draft-2020-12", typeMode: "input", errorMode: "ignore" }) as unknown as JsonObject;
}
