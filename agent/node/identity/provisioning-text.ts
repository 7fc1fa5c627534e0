import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { jsonFault } from "../../../platform/runtime/json-fault.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";

const UTF_16_MARKS: readonly (readonly [mark: readonly number[], encoding: string])[] = [
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
  // Without a mark, but a JSON object begins with an ASCII character.
  [[0x7b, 0x00], "utf-16le"],
  [[0x00, 0x7b], "utf-16be"],
];
const LOOKS_LIKE = 'it looks like { "endpoints": ["wss://cloud.example/device/v1"] }';
const SAVE_AS = 'save it as "UTF-8" (in Windows Notepad: Save as, Encoding: UTF-8)';

/**
 * The text of a provisioning file as a person's editor may have saved it: UTF-8 or UTF-16, with or without a byte order mark,
 * with any line ends. Error: `provisioning.malformed`.
 */
export function decodeProvisioning(name: string, bytes: Uint8Array): Result<string> {
  const encoding = UTF_16_MARKS.find(([mark]) => mark.every((byte, at) => bytes[at] === byte))?.[1] ?? "utf-8";
  try {
    // Leaves out a byte order mark.
    return ok(new TextDecoder(encoding, { fatal: true }).decode(bytes));
  } catch {
    const { line, column } = placeOfBadByte(bytes);
    return fail("provisioning.malformed", `${name}, line ${line}, column ${column}: this character is not saved as UTF-8`, SAVE_AS);
  }
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

function placeOfBadByte(bytes: Uint8Array): { readonly line: number; readonly column: number } {
  const good = new TextDecoder("utf-8").decode(bytes).split("\uFFFD")[0] ?? "";
  const lines = good.split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...(lines.at(-1) ?? "")].length + 1 };
}
