import type { GpioLineRef, GpioPull } from "./gpio.ts";
import { fail, ok, type Issue, type Result } from "./result.ts";

/** One line of a chip and how it is used. */
export interface GpioLineSetup {
  readonly name: string;
  /** Other names for it. */
  readonly aliases: readonly string[];
  readonly offset: number;
  readonly activeLow?: boolean;
  readonly drive?: "push-pull" | "open-drain" | "open-source";
  readonly pull?: GpioPull;
  /** Why the line must not be claimed: what the board uses it for. */
  readonly reservedFor?: string;
}

/** What the configuration says of one line. */
export interface ConfiguredLine {
  /** Any name of the line. */
  readonly line: string;
  /** A name of the integrator's own, such as `relay`. */
  readonly name?: string;
  readonly activeLow?: boolean;
  readonly drive?: "push-pull" | "open-drain" | "open-source";
  readonly pull?: "none" | "up" | "down";
  /** Driven to this level at every start, before anything else. */
  readonly safe?: 0 | 1;
  /** False: the board does not use the line for what it usually does. */
  readonly reserved?: false;
}

const WORDS = {
  name: undefined,
  active: ["high", "low"],
  drive: ["push-pull", "open-drain", "open-source"],
  pull: ["none", "up", "down"],
  safe: ["0", "1"],
  reserved: ["no"],
} as const;
type Field = keyof typeof WORDS;

const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,30}$/;
const HINT = "for example line=GPIO17,name=relay,active=low,safe=0; several are separated by semicolons";

/** Reads the configuration key `gpio.lines`. An entry that cannot be read is left out and told. Codes: `gpio.config-malformed`. */
export function parseGpioLines(text: string): { readonly lines: readonly ConfiguredLine[]; readonly issues: readonly Issue[] } {
  const parsed = text.split(";").map((entry) => entry.trim()).filter((entry) => entry !== "").map(parseEntry);
  return {
    lines: parsed.flatMap((each) => (each.ok ? [each.value] : [])),
    issues: parsed.flatMap((each) => (each.ok ? [] : [each.error])),
  };
}

function parseEntry(entry: string): Result<ConfiguredLine> {
  const fields = new Map<string, string>();
  for (const part of entry.split(",")) {
    const [key = "", value = "", ...rest] = part.split("=").map((each) => each.trim());
    const allowed = key === "line" ? undefined : WORDS[key as Field] as readonly string[] | undefined;
    const known = key === "line" || Object.hasOwn(WORDS, key);
    if (!known || value === "" || rest.length > 0 || fields.has(key) || allowed?.includes(value) === false) {
      const takes = known && allowed !== undefined ? `${key} is one of ${allowed.join(", ")}` : `the fields are line, ${Object.keys(WORDS).join(", ")}, each once`;
      return malformed(`"${part.trim().slice(0, 60)}" is not understood: ${takes}`);
    }
    fields.set(key, value);
  }
  const line = fields.get("line");
  if (line === undefined) return malformed(`"${entry.slice(0, 60)}" names no line`);
  const name = fields.get("name");
  if (name !== undefined && !NAME.test(name)) return malformed(`the name "${name.slice(0, 60)}" is not a letter followed by letters, digits, ".", "_" or "-", at most 31 in all`);
  const safe = fields.get("safe");
  return ok({
    line,
    ...(name !== undefined && { name }),
    ...(fields.get("active") === "low" && { activeLow: true }),
    ...(fields.has("drive") && { drive: fields.get("drive") as "push-pull" }),
    ...(fields.has("pull") && { pull: fields.get("pull") as "none" }),
    ...(safe !== undefined && { safe: safe === "1" ? 1 : 0 }),
    ...(fields.has("reserved") && { reserved: false }),
  });
}

/** The chip's lines with what the configuration says of them. Codes: `gpio.no-such-line`, `gpio.config-malformed` (a name that is taken). */
export function withConfiguration(
  lines: readonly GpioLineSetup[],
  configured: readonly ConfiguredLine[],
): { readonly lines: readonly GpioLineSetup[]; readonly safe: readonly { readonly line: string; readonly level: 0 | 1 }[]; readonly issues: readonly Issue[] } {
  const result = new Map(lines.map((line) => [line.offset, line] as const));
  const safe: { line: string; level: 0 | 1 }[] = [];
  const issues: Issue[] = [];
  for (const each of configured) {
    const found = named([...result.values()], each.line);
    if (found === undefined) {
      issues.push({ code: "gpio.no-such-line", message: `gpio.lines names ${each.line}, which this device does not have`, hint: `it has ${lines.map(({ name }) => name).join(", ")}` });
      continue;
    }
    const taken = each.name !== undefined && named([...result.values()], each.name) !== undefined;
    if (taken) issues.push({ code: "gpio.config-malformed", message: `gpio.lines gives ${each.line} the name ${each.name ?? ""}, which another line has`, hint: HINT });
    const { reservedFor, ...rest } = found;
    result.set(found.offset, {
      ...rest,
      aliases: each.name === undefined || taken ? found.aliases : [...found.aliases, each.name],
      ...(each.activeLow !== undefined && { activeLow: each.activeLow }),
      ...(each.drive !== undefined && { drive: each.drive }),
      ...(each.pull !== undefined && { pull: each.pull }),
      ...(reservedFor !== undefined && each.reserved !== false && { reservedFor }),
    });
    if (each.safe !== undefined) safe.push({ line: found.name, level: each.safe });
  }
  return { lines: [...result.values()], safe, issues };
}

/** The line with this name, alias or offset, if we may claim it. Codes: `gpio.no-such-line`, `gpio.reserved`. */
export function claimable(lines: readonly GpioLineSetup[], ref: GpioLineRef): Result<GpioLineSetup> {
  const line = typeof ref === "number" ? lines.find(({ offset }) => offset === ref) : named(lines, ref);
  if (line === undefined) return fail("gpio.no-such-line", "the header has no such line", `it has ${lines.map(({ name }) => name).join(", ")}`);
  if (line.reservedFor === undefined) return ok(line);
  return fail("gpio.reserved", `${line.name} is used for ${line.reservedFor}, which would not come back when the line is released`, "name the line with reserved=no in gpio.lines if that is not so here");
}

function named(lines: readonly GpioLineSetup[], name: string): GpioLineSetup | undefined {
  return lines.find((line) => line.name === name || line.aliases.includes(name));
}

function malformed(message: string): Result<never> {
  return fail("gpio.config-malformed", message, HINT);
}
