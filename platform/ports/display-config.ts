import { DISPLAY_NAME, DISPLAY_NAME_LENGTH_MAX, DISPLAYS_MAX } from "./display.ts";
import { fail, ok, type Issue, type Result } from "./result.ts";

/** One configured display. */
export interface DisplayAttachment {
  readonly name: string;
  /** Names in the table of drivers, joined by `+`: each property is the first driver's that has it. */
  readonly driver: string;
  readonly connection?: string;
  readonly output?: string;
  readonly setId?: number;
}

/** A display to attach, or why it cannot be attached. An invalid one keeps its place, because the first is the main one. */
export interface ConfiguredDisplay {
  readonly name: string;
  readonly attachment: Result<DisplayAttachment>;
}

const FIELDS = ["name", "driver", "connection", "output", "set"] as const;
const HINT = "for example name=lobby,driver=cec,output=HDMI-A-1; several are separated by semicolons";
const SET_ID_MAX = 255;

/**
 * Reads the configuration key `displays`: fields separated by commas, displays by semicolons. Codes: `display.config-malformed`,
 * `display.set-id-taken`; in `issues`, for displays that are left out, `display.name-taken` and `display.too-many`.
 */
export function parseDisplays(text: string): { readonly displays: readonly ConfiguredDisplay[]; readonly issues: readonly Issue[] } {
  const entries = text.split(";").map((entry) => entry.trim()).filter((entry) => entry !== "");
  const displays = new Map<string, ConfiguredDisplay>();
  const issues: Issue[] = [];
  for (const [index, entry] of entries.slice(0, DISPLAYS_MAX).entries()) {
    const parsed = parseEntry(entry);
    const name = parsed.ok ? parsed.value.name : `display-${index + 1}`;
    if (displays.has(name)) issues.push({ code: "display.name-taken", message: `two displays are called ${name}; the second is left out`, hint: "give each display a name of its own" });
    else displays.set(name, { name, attachment: parsed.ok ? withFreeSetId(parsed.value, [...displays.values()]) : parsed });
  }
  if (entries.length > DISPLAYS_MAX) issues.push({ code: "display.too-many", message: `${entries.length} displays are configured; the first ${DISPLAYS_MAX} are used` });
  return { displays: [...displays.values()], issues };
}

/** Every entry of the configuration key `displays` that is not understood, or left out. */
export function displayFlaws(text: string): readonly Issue[] {
  const { displays, issues } = parseDisplays(text);
  return [...displays.flatMap(({ attachment }) => (attachment.ok ? [] : [attachment.error])), ...issues];
}

function parseEntry(entry: string): Result<DisplayAttachment> {
  const fields = new Map<string, string>();
  for (const part of entry.split(",")) {
    const [key = "", ...rest] = part.split("=");
    const [field, value] = [key.trim(), rest.join("=").trim()];
    if (!(FIELDS as readonly string[]).includes(field) || value === "" || fields.has(field)) {
      return malformed(`"${part.trim().slice(0, 60)}" is not one of ${FIELDS.map((each) => `${each}=…`).join(", ")}, each once`);
    }
    fields.set(field, value);
  }
  const [name, driver, connection, output, set] = FIELDS.map((field) => fields.get(field));
  if (name === undefined || name.length > DISPLAY_NAME_LENGTH_MAX || !DISPLAY_NAME.test(name)) return malformed(`the name "${(name ?? "").slice(0, 60)}" is not lower-case words of letters and digits joined by "-", at most 24 characters`);
  if (driver === undefined) return malformed(`${name} has no driver`);
  if (set !== undefined && !(/^\d{1,3}$/.test(set) && Number(set) >= 1 && Number(set) <= SET_ID_MAX)) return malformed(`${name}: set is a whole number from 1 to ${SET_ID_MAX}`);
  return ok({ name, driver, ...(connection !== undefined && { connection }), ...(output !== undefined && { output }), ...(set !== undefined && { setId: Number(set) }) });
}

/** Rejects a duplicate set ID: two displays with the same ID on one connection would both answer. */
function withFreeSetId(attachment: DisplayAttachment, before: readonly ConfiguredDisplay[]): Result<DisplayAttachment> {
  const { name, connection, setId } = attachment;
  const other = before.find(({ attachment: each }) => each.ok && setId !== undefined && each.value.connection === connection && each.value.setId === setId);
  return other === undefined ? ok(attachment) : fail("display.set-id-taken", `${name} has the set-ID ${setId} of ${other.name} on the same connection`, "give each display on a connection its own set-ID");
}

function malformed(message: string): Result<never> {
  return fail("display.config-malformed", message, HINT);
}
