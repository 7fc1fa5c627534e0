import type * as v from "valibot";
import { validate } from "../../agent/protocol/codec.ts";
import type { Result } from "../tool-result.ts";

/** The protocol's `validate`, failing with `code` instead of the protocol's own code. */
export function validateAs<S extends v.GenericSchema>(code: string, schema: S, value: unknown, what: string): Result<v.InferOutput<S>> {
  const valid = validate(schema, value, what);
  return valid.ok ? valid : { ok: false, error: { ...valid.error, code } };
}
