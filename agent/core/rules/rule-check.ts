import { AS_DOCUMENT, RULE_DEBOUNCE_MS, type Rule, type RuleEffect, type RuleInput, type Rules } from "../../protocol/rules.ts";
import { CEC_KEY_NAMES } from "../../../platform/ports/cec-keys.ts";
import type { GpioLineInfo } from "../../../platform/ports/gpio.ts";
import type { Issue, Result } from "../../../platform/ports/result.ts";
import type { Schedule } from "../../protocol/schedule.ts";

/** What this device has for rules to use. */
export interface RuleFacts {
  readonly hasGpio: boolean;
  /** A bus that can be listened to. */
  readonly hearsCec: boolean;
  /** Names of the displays, the first one first, and whether their power can be switched. */
  readonly displays: readonly { readonly name: string; readonly canSwitch: boolean }[];
  /** Fails with `schedule.unknown-time-zone`. */
  compile(schedule: Schedule): Result<unknown>;
}

/** Why the whole table cannot be used on this device. */
export type RuleRefusal = { readonly kind: "refused" | "unsupported"; readonly error: Issue };

/**
 * The first thing that rules name and this device does not have, with its path. Pure. Codes: `rules.not-there`,
 * `rules.conflict`, `rules.unsupported`, `schedule.unknown-time-zone`.
 */
export function checkRules(rules: Rules, facts: RuleFacts): RuleRefusal | undefined {
  const ids = new Set<string>();
  for (const [at, rule] of rules.table.entries()) {
    const path = `rules.table[${at}]`;
    if (ids.has(rule.id)) return refused("rules.conflict", `${path}.id: another rule has the id ${rule.id} already`, "give each rule an id of its own");
    ids.add(rule.id);
    const found = firstOf(parts(rule, path), ([where, part]) => (part.is === "input" ? checkInput(part.input, where, facts) : checkEffect(part.effect, where, rules, facts)));
    const zone = rule.during === undefined ? undefined : checkZone(rule.during, `${path}.during`, facts);
    if (found !== undefined || zone !== undefined) return found ?? zone;
  }
  return conflictIn(rules);
}

/**
 * The first line that this device does not have or may not use. `watched`: lines that the configuration watches. Codes:
 * `rules.not-there`, `rules.conflict`.
 */
export function checkLines(rules: Rules, lines: readonly GpioLineInfo[], watched: readonly string[]): RuleRefusal | undefined {
  const known = (name: string): GpioLineInfo | undefined => lines.find((line) => line.name === name || line.aliases?.includes(name));
  const inputs = new Set(watched.map((name) => known(name)?.name ?? name));
  const uses = lineUses(rules);
  for (const { line, as } of uses) if (as === "input") inputs.add(known(line)?.name ?? line);
  return firstOf(uses, ({ line, as, path }) => {
    const info = known(line);
    if (info === undefined) return refused("rules.not-there", `${path}: this device has no line ${line}`, `it has ${lines.map(({ name }) => name).join(", ").slice(0, 500)}`);
    if (info.reservedFor !== undefined) return refused("rules.not-there", `${path}: ${line} is used for ${info.reservedFor}`, "name the line with reserved=no in gpio.lines if that is not so here");
    return as === "output" && inputs.has(info.name) ? refused("rules.conflict", `${path}: ${line} is watched as an input and cannot be driven`, "use another line") : undefined;
  });
}

type Part = { readonly is: "input"; readonly input: RuleInput } | { readonly is: "effect"; readonly effect: RuleEffect };

function parts(rule: Rule, path: string): readonly (readonly [path: string, part: Part])[] {
  const effects = (side: "do" | "otherwise"): readonly (readonly [string, Part])[] => (rule[side] ?? []).map((effect, at) => [`${path}.${side}[${at}]`, { is: "effect", effect }] as const);
  return [...rule.when.map((input, at) => [`${path}.when[${at}]`, { is: "input", input }] as const), ...effects("do"), ...effects("otherwise")];
}

function checkInput(input: RuleInput, path: string, facts: RuleFacts): RuleRefusal | undefined {
  switch (input.kind) {
    case "line":
      return facts.hasGpio ? undefined : noGpio(path);
    case "cec-key":
      if (!facts.hearsCec) return unsupported("rules.unsupported", `${path}: this device cannot listen on HDMI-CEC`);
      if ((CEC_KEY_NAMES as readonly string[]).includes(input.key)) return undefined;
      return refused("rules.not-there", `${path}.key: HDMI-CEC has no key ${input.key}`, `one of ${CEC_KEY_NAMES.join(", ")}`);
    case "time":
      return checkZone(input, path, facts);
  }
}

function checkEffect(effect: RuleEffect, path: string, rules: Rules, facts: RuleFacts): RuleRefusal | undefined {
  switch (effect.kind) {
    case "line":
      return facts.hasGpio ? undefined : noGpio(path);
    case "page-message":
      return undefined;
    case "content": {
      if (effect.content === AS_DOCUMENT || Object.hasOwn(rules.contents ?? {}, effect.content)) return undefined;
      return refused("rules.not-there", `${path}.content: rules.contents has no ${effect.content}`, `one of ${[...Object.keys(rules.contents ?? {}), AS_DOCUMENT].join(", ")}`);
    }
    case "display-power": {
      const { displays } = facts;
      const display = effect.display === undefined ? displays[0] : displays.find(({ name }) => name === effect.display);
      if (displays.length === 0) return unsupported("rules.unsupported", `${path}: no display can be controlled from this device`);
      if (display === undefined) return refused("rules.not-there", `${path}.display: this device has no display ${effect.display ?? ""}`, `it has ${displays.map(({ name }) => name).join(", ")}`);
      return display.canSwitch ? undefined : unsupported("rules.unsupported", `${path}: the power of the display ${display.name} cannot be switched`);
    }
  }
}

function checkZone({ timeZone, weekly }: Schedule, path: string, facts: RuleFacts): RuleRefusal | undefined {
  const compiled = facts.compile({ timeZone, weekly });
  return compiled.ok ? undefined : { kind: "refused", error: { ...compiled.error, message: `${path}.timeZone: ${compiled.error.message}` } };
}

/** Two rules that watch one line have to agree on how. */
function conflictIn(rules: Rules): RuleRefusal | undefined {
  const settings = new Map<string, string>();
  return firstOf(lineUses(rules), ({ line, path, how }) => {
    if (how === undefined) return undefined;
    const before = settings.get(line) ?? how;
    settings.set(line, how);
    return before === how ? undefined : refused("rules.conflict", `${path}: another rule watches ${line} with another debounceMs or pull`, "watch it with the same settings");
  });
}

interface LineUse {
  readonly line: string;
  readonly as: "input" | "output";
  readonly path: string;
  readonly how?: string;
}

function lineUses(rules: Rules): readonly LineUse[] {
  return rules.table.flatMap((rule, at) =>
    parts(rule, `rules.table[${at}]`).flatMap(([path, part]): readonly LineUse[] => {
      if (part.is === "effect") return part.effect.kind === "line" ? [{ line: part.effect.line, as: "output", path: `${path}.line` }] : [];
      const { input } = part;
      return input.kind === "line" ? [{ line: input.line, as: "input", path: `${path}.line`, how: `${input.debounceMs ?? RULE_DEBOUNCE_MS} ${input.pull ?? ""}` }] : [];
    }),
  );
}

function firstOf<T>(all: readonly T[], check: (each: T) => RuleRefusal | undefined): RuleRefusal | undefined {
  for (const each of all) {
    const found = check(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

function noGpio(path: string): RuleRefusal {
  return unsupported("rules.unsupported", `${path}: this device has no GPIO`);
}

function refused(code: Issue["code"], message: string, hint: string): RuleRefusal {
  return { kind: "refused", error: { code, message, hint } };
}

function unsupported(code: Issue["code"], message: string): RuleRefusal {
  return { kind: "unsupported", error: { code, message } };
}
