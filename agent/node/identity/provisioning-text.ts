import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { readEditorText, SAVE_AS_UTF_8 } from "../editor-text.ts";
import { jsonFault } from "../../../platform/runtime/json-fault.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";

const LOOKS_LIKE = 'it looks like { "endpoints": ["wss://cloud.example/device/v1"] }';
/**
 * The text of a provisioning file as a person's editor may have saved it: UTF-8 or UTF-16, with or without a byte order mark,
 * with any line ends. Error: `provisioning.malformed`.
 */
export function decodeProvisioning(name: string, bytes: Uint8Array): Result<string> {
  const read = readEditorText(bytes);
  return typeof read === "string" ? ok(read) : fail("provisioning.malformed", `${name}, line ${read.line}, column ${read.column}: this character is not saved as UTF-8`, SAVE_AS_UTF_8);
}

/** What other programs save under any name, by how it begins. */
const OTHER_FORMATS: readonly (readonly [beginning: string, what: string])[] = [
  ["{\\rtf", "RTF, the format of TextEdit and WordPad"], ["PK\u0003\u0004", "the format of a word processor, or a zip"], ["bplist", "a macOS property list"], ["<", "HTML or XML"],
];
const AS_PLAIN_TEXT = "save it as plain text (in TextEdit: Format, Make Plain Text; or use Notepad) under the name vitrine.json";

/** The JSON object in `text`. The error says line, column and what to do: `provisioning.malformed`. */
export function parseProvisioningText(name: string, text: string): Result<JsonObject> {
  if (text.trim() === "") return fail("provisioning.malformed", `${name} is empty`, LOOKS_LIKE);
  const other = OTHER_FORMATS.find(([beginning]) => text.startsWith(beginning))?.[1];
  if (other !== undefined) return fail("provisioning.malformed", `${name}, line 1, column 1: this is no plain text, but ${other}`, AS_PLAIN_TEXT);
  const json = parseJson(text);
  const fault = json === undefined ? jsonFault(text) : undefined;
  if (fault !== undefined) return fail("provisioning.malformed", `${name}, line ${fault.line}, column ${fault.column}: ${fault.message}`, fault.hint);
  return isJsonObject(json) ? ok(json) : fail("provisioning.malformed", `${name} is not a JSON object`, LOOKS_LIKE);
}
