/** The first validation issue, in the form valibot reports it. */
export interface SchemaIssue {
  readonly type: string;
  /** `string`, `("a" | "b")`, `>=1`, `never`; `null` where the check names none. */
  readonly expected: string | null;
  /** A literal such as `"text"` or `3`, or `Object`, `Array`, `null`, `undefined`. */
  readonly received: string;
  readonly message: string;
}

/** Human-readable description of an invalid value: what is wrong and, if known, what to do. */
export interface SchemaIssueWords {
  readonly message: string;
  readonly hint?: string;
}

/** Matches valibot's default messages; any other message was written by us for the check. */
const VALIDATORS_OWN = /^Invalid [\w ]+: (?:Expected|Received) /;
const SHOWN_MAX = 60;

/**
 * Words for a wrong value. It is shown where what was expected is a choice or a range; elsewhere only its type is told, for it
 * may be a secret.
 */
export function schemaIssueWords({ type, expected, received, message }: SchemaIssue): SchemaIssueWords {
  if (!VALIDATORS_OWN.test(message)) return { message };
  if (expected === "never") return { message: `there is no key ${shown(received)}`, hint: "check its spelling, or leave it out" };
  if (received === "undefined") return { message: type.endsWith("object") && expected !== "Object" ? `${expected ?? "a key"} is missing` : `is missing; it must be ${wanted(expected)}` };
  switch (type) {
    case "integer":
    case "safe_integer":
      return { message: `must be a whole number, and is ${shown(received)}` };
    case "min_value":
    case "max_value":
      return { message: `must be ${bound(expected)}, and is ${shown(received)}` };
    case "min_length":
    case "max_length":
    case "length":
    case "min_bytes":
    case "max_bytes":
      return { message: `must be ${bound(expected)} long, and is ${shown(received)}` };
    case "regex":
      return { message: `must have the form ${expected ?? "that is documented"}` };
    case "picklist":
    case "variant":
    case "literal":
    case "enum":
      return { message: `must be ${wanted(expected)}, and is ${shown(received)}` };
    default:
      return { message: `must be ${wanted(expected)}, and is ${kindOf(received)}` };
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text", number: "a number", boolean: "true or false", Object: "a JSON object", Array: "a list", null: "null", unknown: "a value",
};

/** `(string | number)`: text or a number. */
function wanted(expected: string | null): string {
  if (expected === null) return "something else";
  const choices = expected.replace(/^\((.*)\)$/s, "$1").split(" | ").map((choice) => KINDS[choice] ?? choice);
  const words = choices.length > 1 ? `${choices.slice(0, -1).join(", ")} or ${choices.at(-1) ?? ""}` : (choices[0] ?? "");
  return words.length > 300 ? "one of the documented values" : words;
}

function bound(expected: string | null): string {
  const [, sign, limit] = /^([<>]=?)(.*)$/.exec(expected ?? "") ?? [];
  if (sign === undefined || limit === undefined) return expected ?? "within its limits";
  return { ">=": `${limit} or more`, "<=": `${limit} at most`, ">": `more than ${limit}`, "<": `less than ${limit}` }[sign] ?? limit;
}

function kindOf(received: string): string {
  if (received.startsWith('"')) return "text";
  if (received === "true" || received === "false") return received;
  return /^-?\d/.test(received) || received === "NaN" || received.endsWith("Infinity") ? "a number" : (KINDS[received] ?? "something else");
}

function shown(received: string): string {
  return received.length > SHOWN_MAX ? `${received.slice(0, SHOWN_MAX)}…` : (KINDS[received] ?? received);
}
