/**
 * What may leave the device's memory for people to read: logs, reports, the command line, a support bundle. Secrets are told by
 * the name of their field, and in addresses by their place: user and password, the values of the query, the fragment. A path
 * stays, for without it nobody finds the page that fails.
 */

export const SECRET = "[secret]";
const CUT = "[cut]";

/** Ends of field names, in small letters and without punctuation. */
const SECRET_ENDINGS = [
  "password", "passwd", "passphrase", "pwd", "psk", "secret", "token", "authorization", "cookie", "credential", "credentials",
  "apikey", "privatekey", "secretkey", "accesskey",
] as const;

/** Shown on the screen for anybody to type: the pairing code is in it. */
const OPEN_NAMES: ReadonlySet<string> = new Set(["claimUrl"]);

const ADDRESS = /(?:\b[a-z][a-z0-9+.-]{1,31}:)?\/\/[^\s"'<>`\\]+/gi;
/** `"password":"…"`, also with its quotes escaped, as a JSON text in a JSON text has it. */
const JSON_FIELD = /(\\*"[\w.-]{0,40}(?:password|passwd|passphrase|secret|token|authorization|cookie|api[_-]?key|private[_-]?key)\\*"\s*:\s*)(\\*")(?:[^"\\]|\\(?!")[^"])*\2/gi;
/** `Authorization: Basic …` and the like, in a header or a message. */
const SCHEME_AND_KEY = /\b(bearer|basic|digest)\s+[\w+/=.~-]{6,}/gi;

export interface RedactLimits {
  /** Objects and lists inside each other. */
  readonly depthMax: number;
  /** Values in all. */
  readonly valuesMax: number;
  /** Characters of one text. */
  readonly textMax: number;
}

/** Room for whatever a device reports of itself. */
const WIDE: RedactLimits = { depthMax: 32, valuesMax: 100_000, textMax: 1024 * 1024 };
/** A line of a log is read by people, and written to flash. */
export const LOG_LIMITS: RedactLimits = { depthMax: 8, valuesMax: 500, textMax: 16 * 1024 };

/** Whether a field of this name holds a secret, whatever is in it. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z]/g, "");
  return SECRET_ENDINGS.some((ending) => plain.endsWith(ending));
}

/** The text with every address in it masked, and what looks like a password in JSON or a header. */
export function redactText(text: string): string {
  // Most texts have neither; looking for one sign of each is cheaper than four expressions.
  const masked = text.includes("//") ? text.replaceAll(ADDRESS, (address) => maskAddress(address)) : text;
  return masked.replaceAll(JSON_FIELD, `$1$2${SECRET}$2`).replaceAll(SCHEME_AND_KEY, `$1 ${SECRET}`);
}

/**
 * A copy of any value as it may be shown: secrets masked at every depth, and cut at `limits`, so that neither a deep nor an
 * endless value can hold up whoever writes it. True, false and nothing are shown under a secret's name: they tell whether there is one.
 */
export function redact(value: unknown, limits: RedactLimits = WIDE): unknown {
  let left = limits.valuesMax;
  const seen = new Set<object>();
  const walk = (inner: unknown, depth: number): unknown => {
    left -= 1;
    if (typeof inner === "string") return shortened(inner, limits.textMax);
    if (typeof inner !== "object" || inner === null) return inner;
    if (left <= 0 || depth >= limits.depthMax || seen.has(inner)) return CUT;
    // An error's text is in no field of its own.
    if (inner instanceof Error) return shortened(inner.stack ?? `${inner.name}: ${inner.message}`, limits.textMax);
    if ("toJSON" in inner && typeof inner.toJSON === "function") return walk((inner as { toJSON(): unknown }).toJSON(), depth + 1);
    seen.add(inner);
    const copy = Array.isArray(inner) ? list(inner, depth) : fields(inner as Readonly<Record<string, unknown>>, depth);
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
  const fields = (object: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> => {
    const copy: [string, unknown][] = [];
    for (const [name, inner] of Object.entries(object)) {
      if (left <= 0) {
        copy.push([CUT, true]);
        break;
      }
      const hidden = isSecretName(name) && inner !== null && inner !== undefined && typeof inner !== "boolean";
      copy.push([redactText(name), hidden ? SECRET : OPEN_NAMES.has(name) ? inner : walk(inner, depth + 1)]);
    }
    return Object.fromEntries(copy);
  };
  return walk(value, 0);
}

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
  const [beforeFragment = "", ...fragment] = address.slice(start).split("#");
  const [beforeQuery = "", ...query] = beforeFragment.split("?");
  const slash = beforeQuery.search(/[/]/);
  const authority = slash === -1 ? beforeQuery : beforeQuery.slice(0, slash);
  const path = slash === -1 ? "" : beforeQuery.slice(slash);
  const at = authority.lastIndexOf("@");
  const host = at === -1 ? authority : `${mask}@${authority.slice(at + 1)}`;
  const parameters = query.length === 0 ? "" : `?${query.join("?").split("&").map((each) => maskParameter(each, mask)).join("&")}`;
  return `${address.slice(0, start)}${host}${path}${parameters}${fragment.length === 0 ? "" : `#${mask}`}`;
}

function maskParameter(parameter: string, mask: string): string {
  if (parameter === "") return "";
  const equals = parameter.indexOf("=");
  return equals === -1 ? mask : `${parameter.slice(0, equals)}=${mask}`;
}
