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

/** The JSON object in `text`. The error says line, column and what to do: `provisioning.malformed`. */
export function parseProvisioningText(name: string, text: string): Result<JsonObject> {
  const json = parseJson(text);
  const fault = json === undefined ? jsonFault(text) : undefined;
  if (fault !== undefined) return fail("provisioning.malformed", `${name}, line ${fault.line}, column ${fault.column}: ${fault.message}`, fault.hint);
  return isJsonObject(json) ? ok(json) : fail("provisioning.malformed", `${name} is not a JSON object`, 'it looks like { "endpoints": ["wss://…"] }');
}

function placeOfBadByte(bytes: Uint8Array): { readonly line: number; readonly column: number } {
  const good = new TextDecoder("utf-8").decode(bytes).split("\uFFFD")[0] ?? "";
  const lines = good.split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...(lines.at(-1) ?? "")].length + 1 };
}
