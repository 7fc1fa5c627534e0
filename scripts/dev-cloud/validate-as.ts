import type * as v from "valibot";
import { validate } from "../../agent/protocol/codec.ts";
import type { Result } from "../tool-result.ts";

/** `validate` of the protocol, with a code of the development cloud's own. */
export function validateAs<S extends v.GenericSchema>(code: string, schema: S, value: unknown, what: string): Result<v.InferOutput<S>> {
  const valid = validate(schema, value, what);
  return valid.ok ? valid : { ok: false, error: { ...valid.error, code } };
}
