import { utf8 } from "../../../platform/runtime/encoding.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

export const DOCUMENT_BYTES_MAX = 256 * 1024;
export const KEY_LENGTH_MAX = 128;

/** A document as JSON text. Throws a RangeError for a key or document over the limits, which is a bug of the caller. */
export function documentText(key: string, value: JsonObject): string {
  if (key.length === 0 || key.length > KEY_LENGTH_MAX) throw new RangeError(`a document key has 1 to ${KEY_LENGTH_MAX} characters`);
  const text = JSON.stringify(value);
  const bytes = utf8(text).length;
  if (bytes > DOCUMENT_BYTES_MAX) throw new RangeError(`document ${key} has ${bytes} bytes; at most ${DOCUMENT_BYTES_MAX} are taken`);
  return text;
}
