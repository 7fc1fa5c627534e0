/**
 * Removes secrets from everything people can read: logs, reports, the command line, a support bundle. Secrets are recognised by
 * field name and, in URLs, by position: user and password, query values, fragment. The path stays, because it is needed to
 * find the page that fails.
 */

export const SECRET = "[secret]";
const CUT = "[cut]";

/** Endings of field names, in lower case and singular, without punctuation and digits: `tokens` ends like `token`. */
const SECRET_ENDINGS = [
  "password", "passwd", "passphrase", "pwd", "psk", "secret", "token", "authorization", "cookie", "credential",
  "apikey", "privatekey", "secretkey", "accesskey", "sharedkey",
] as const;

/** Exempt names. `claimUrl` contains the pairing code, which is shown on the screen anyway. */
const OPEN_NAMES: ReadonlySet<string> = new Set(["claimUrl"]);

/** Characters such as `'` and `<` do not end an address, because a password may follow them. A quote does, also an escaped one. */
const ADDRESS = /(?:\b[a-z][a-z0-9+.-]{1,31}:)?\/\/(?:[^\s"\\]|\\(?!["\\]))+/gi;
/** A field name in a text, up to the longest one that is checked. */
const NAME = String.raw`[\w.-]{1,96}`;
/**
 * `"name":`, also with escaped quotes, as in JSON inside JSON. `isSecretName` decides which names are secret, because one
 * expression for all of them compiles to 1 MiB of machine code. Each expression here takes linear time.
 */
const JSON_NAME = new RegExp(String.raw`(?<!\\)(\\*)"(?<name>${NAME})\1"\s*:`, "g");
/** The same with its value, which ends at a quote escaped as often as the first one, or with the text, which may be cut off. */
const JSON_FIELD = new RegExp(String.raw`((\\*)"${NAME}\2"\s*:\s*)(?:\2"[\s\S]*?(?:(?<!\\)(?:\2\\\2\\)*\2"|$)|-?\d[\d.]*)`, "y");
/** `name=`, in a form, a cookie, or the arguments of a program. */
const ASSIGNED_NAME = new RegExp(String.raw`(?<name>${NAME})=`, "g");
const ASSIGNMENT = new RegExp(String.raw`(${NAME}=)[^\s"'&;,\\]+`, "y");
/** `Authorization: Basic …` and the like, in a header or a message. */
const SCHEME_AND_KEY = /\b(bearer|basic|digest)\s+[\w+/=.~-]{6,}/gi;
const SCHEME = /(?:bearer|basic|digest)\s/i;

export interface RedactLimits {
  /** Objects and lists inside each other. */
  readonly depthMax: number;
  /** Values in all. */
  readonly valuesMax: number;
  /** Characters of one text. */
  readonly textMax: number;
}

/** Large enough for anything a device reports about itself. */
const WIDE: RedactLimits = { depthMax: 32, valuesMax: 100_000, textMax: 1024 * 1024 };
/** Tighter limits for log lines, which people read and which wear the flash. */
export const LOG_LIMITS: RedactLimits = { depthMax: 8, valuesMax: 500, textMax: 16 * 1024 };

/** Whether a field of this name holds a secret, whatever is in it. */
export function isSecretName(name: string): boolean {
  const known = judgedNames.get(name);
  if (known !== undefined) return known;
  const plain = name.toLowerCase().replaceAll(/[^a-z]/g, "").replace(/s$/, "");
  const isSecret = SECRET_ENDINGS.some((ending) => plain.endsWith(ending));
  if (judgedNames.size >= JUDGED_NAMES_MAX) judgedNames.clear();
  if (name.length <= JUDGED_NAME_CHARS_MAX) judgedNames.set(name, isSecret);
  return isSecret;
}

/** The same few names come with every report and log line. */
const judgedNames = new Map<string, boolean>();
const JUDGED_NAMES_MAX = 512;
const JUDGED_NAME_CHARS_MAX = 64;

/** The text with every address in it masked, and what looks like a password in JSON or a header. */
export function redactText(text: string): string {
  // Most texts contain none of these characters, and looking for one is cheaper than running the expression.
  let masked = text;
  if (text.includes("//")) masked = masked.replaceAll(ADDRESS, (address) => maskAddress(address));
  if (text.includes('"')) masked = maskNamed(masked, JSON_NAME, JSON_FIELD, ([, name = "", escapes = ""]) => `${name}${escapes}"${SECRET}${escapes}"`);
  if (text.includes("=")) masked = maskNamed(masked, ASSIGNED_NAME, ASSIGNMENT, ([, name = ""]) => `${name}${SECRET}`);
  return SCHEME.test(text) ? masked.replaceAll(SCHEME_AND_KEY, `$1 ${SECRET}`) : masked;
}

/** Replaces each secret field. `name` finds its start and `field` matches all of it from there. Values of other fields are searched too. */
function maskNamed(text: string, name: RegExp, field: RegExp, masked: (field: RegExpExecArray) => string): string {
  let shown = "";
  let told = 0;
  name.lastIndex = 0;
  for (let found = name.exec(text); found !== null; found = name.exec(text)) {
    if (!isSecretName(found.groups?.["name"] ?? "")) continue;
    field.lastIndex = found.index;
    const whole = field.exec(text);
    if (whole === null) continue;
    shown += text.slice(told, found.index) + masked(whole);
    told = field.lastIndex;
    name.lastIndex = told;
  }
  return shown + text.slice(told);
}

/**
 * A copy of any value as it may be shown: secrets masked at every depth, and cut at `limits`, so that neither a deep nor an
 * endless value can hold up whoever writes it. True, false and nothing are shown under a secret's name: they tell whether there is one.
 */
export function redact(value: unknown, limits: RedactLimits = WIDE): unknown {
  let left = limits.valuesMax;
  const seen = new Set<object>();
  // `isSchema`: these are the properties of a JSON Schema, which describes secrets and holds none.
  const walk = (inner: unknown, depth: number, isSchema = false): unknown => {
    left -= 1;
    if (typeof inner === "string") return shortened(inner, limits.textMax);
    if (typeof inner !== "object" || inner === null) return inner;
    if (left <= 0 || depth >= limits.depthMax || seen.has(inner)) return CUT;
    // An error's message and stack are not enumerable.
    if (inner instanceof Error) return shortened(inner.stack ?? `${inner.name}: ${inner.message}`, limits.textMax);
    if ("toJSON" in inner && typeof inner.toJSON === "function") return walk((inner as { toJSON(): unknown }).toJSON(), depth + 1);
    seen.add(inner);
    const copy = Array.isArray(inner) ? list(inner, depth) : fields(inner as Readonly<Record<string, unknown>>, depth, isSchema);
    seen.delete(inner);
    return copy;
  };
  const list = (items: readonly unknown[], depth: number): readonly unknown[] => {
    const copy: unknown[] = [];
    for (const item of items) {
      if (left <= 0) return [...copy, CUT];
      copy.push(walk(item, depth + 1));
    }
    return copy;
  };
  const fields = (object: Readonly<Record<string, unknown>>, depth: number, isSchema: boolean): Record<string, unknown> => {
    const copy: [string, unknown][] = [];
    for (const [name, inner] of Object.entries(object)) {
      if (left <= 0) {
        copy.push([CUT, true]);
        break;
      }
      const hidden = isSecretName(name) && inner !== null && inner !== undefined && typeof inner !== "boolean" && !(isSchema && isJsonSchema(inner));
      copy.push([redactText(name), hidden ? SECRET : OPEN_NAMES.has(name) ? inner : walk(inner, depth + 1, name === "properties" && "type" in object && object["type"] === "object")]);
    }
    return Object.fromEntries(copy);
  };
  return walk(value, 0);
}

function isJsonSchema(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { type, anyOf, enum: choices } = value as Readonly<Record<string, unknown>>;
  return (typeof type === "string" && JSON_TYPES.has(type)) || Array.isArray(anyOf) || Array.isArray(choices);
}

const JSON_TYPES: ReadonlySet<string> = new Set(["string", "number", "integer", "boolean", "object", "array", "null"]);

/** Which fields there are, and not one value: for what is the customer's own, where any name may hold a secret. */
export function maskValues(value: unknown, mask = SECRET, depthLeft = 16): unknown {
  if (typeof value !== "object" || value === null) return mask;
  if (depthLeft === 0) return CUT;
  if (Array.isArray(value)) return value.map((item) => maskValues(item, mask, depthLeft - 1));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, maskValues(inner, mask, depthLeft - 1)]));
}

function shortened(text: string, textMax: number): string {
  return text.length <= textMax ? redactText(text) : `${redactText(text.slice(0, textMax))}${CUT}`;
}

/**
 * One address without its user, password, values of the query, and fragment. Written by hand: what is no address for `URL` (in a
 * message about it) may hold a password all the same.
 */
export function maskAddress(address: string, mask = SECRET): string {
  const start = address.indexOf("//") + 2;
  const scheme = address.slice(0, start);
  const authorityEnd = start + address.slice(start).search(/[/?#]|$/);
  // Behind the host there is a port or nothing; else a `/`, `?` or `#` stands unescaped in a password.
  const isTorn = !/(?:^|@)(?:\[[^\]@]*\]|[^:@]*)(?::\d*)?$/.test(address.slice(start, authorityEnd));
  const at = (isTorn ? address : address.slice(0, authorityEnd)).lastIndexOf("@");
  const isUserThere = at >= start;
  const [beforeFragment = "", ...fragment] = address.slice(isUserThere ? at + 1 : start).split("#");
  const [place = "", ...query] = beforeFragment.split("?");
  const parameters = query.length === 0 ? "" : `?${query.join("?").split("&").map((each) => maskParameter(each, mask)).join("&")}`;
  // An address in the path, as proxies and archives have it, may have a user too.
  const shown = place.replaceAll(/\/\/[^/@]*@/g, `//${mask}@`);
  return `${scheme}${isUserThere ? `${mask}@` : ""}${shown}${parameters}${fragment.length === 0 ? "" : fragment.join("#") === "" ? "#" : `#${mask}`}`;
}

function maskParameter(parameter: string, mask: string): string {
  if (parameter === "") return "";
  const equals = parameter.indexOf("=");
  return equals === -1 ? mask : `${parameter.slice(0, equals)}=${mask}`;
}
