import { validate } from "../../protocol/codec.ts";
import { DesiredPayloadSchema, type DesiredDocument, type DesiredPayload } from "../../protocol/desired.ts";
import { DESIRED_BYTES_MAX } from "../../protocol/limits.ts";
import { fail, type Issue, type Result } from "../../../platform/ports/result.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { reportable } from "./reportable.ts";

/** Result of parsing a payload: the document, or why it was refused and its version where it has one. */
export type ParsedDesired =
  | { readonly kind: "document"; readonly payload: DesiredPayload }
  | { readonly kind: "refused"; readonly version: number | undefined; readonly error: Issue };

/**
 * Reads the payload of a signed desired document. Errors: `desired.too-large`, `desired.not-json`,
 * `desired.malformed` (names the first invalid field), `desired.wrong-device`.
 */
export function parseDesired(text: string, deviceId: string): ParsedDesired {
  const json = parseJson(text);
  if (!isJsonObject(json)) return {
    kind: "refused",
    version: undefined,
    error: issueOf(fail("desired.not-json", "the payload is not a JSON object")),
  };
  const version = versionOf(json);
  const bytes = utf8(text).length;
  if (bytes > DESIRED_BYTES_MAX) {
    const error = issueOf(fail("desired.too-large", `the document has ${bytes} bytes; at most ${DESIRED_BYTES_MAX} are accepted`));
    return { kind: "refused", version, error };
  }
  // Checked before the schema: values are echoed in reports, whose depth is limited too.
  if (reportable(json) === undefined) return {
    kind: "refused",
    version,
    error: issueOf(fail("desired.malformed", "the document is nested too deeply")),
  };
  const parsed = validate(DesiredPayloadSchema, json, "the desired document", "desired.malformed");
  if (!parsed.ok) return { kind: "refused", version, error: parsed.error };
  if (parsed.value.device !== deviceId) {
    return { kind: "refused", version: undefined, error: issueOf(fail("desired.wrong-device", `the document is for device ${parsed.value.device}`)) };
  }
  return { kind: "document", payload: parsed.value };
}

/** Keys of `document` as the report names them: one per member of a group (`display.power`), otherwise one per member. */
export function documentKeys(document: DesiredDocument): readonly string[] {
  const keys: string[] = [];
  for (const [name, value] of Object.entries(document)) {
    if (value === undefined) continue;
    if (name === "displays") for (const [display, wish] of Object.entries(value as NonNullable<DesiredDocument["displays"]>)) keys.push(...innerKeys(`displays.${display}`, wish));
    else if (GROUPS.has(name) && isJsonObject(value)) keys.push(...innerKeys(name, value));
    else keys.push(name);
  }
  return keys;
}

function innerKeys(name: string, group: object): readonly string[] {
  return Object.keys(group).map((inner) => `${name}.${inner}`);
}

const GROUPS = new Set(["display", "audio", "log", "cloud", "player"]);

function versionOf(json: JsonObject): number | undefined {
  const version = json["version"];
  return typeof version === "number" && Number.isSafeInteger(version) && version > 0 ? version : undefined;
}

function issueOf(result: Result<never>): Issue {
  if (result.ok) throw new Error("an issue was expected");
  return result.error;
}
