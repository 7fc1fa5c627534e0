import { plainIssueIn } from "../../protocol/plain-address.ts";
import type { Issue, Result } from "../../../platform/ports/result.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { CONFIG_KEYS, configEntry, environmentName, flagName, isConfigKey, type ConfigKey, type ConfigValues } from "./config-table.ts";
import { readJsonValue, readTextValue, type ConfigValue } from "./config-type.ts";
import { nearestName } from "./nearest-name.ts";
import type { Code } from "../../../platform/ports/codes.ts";

export type ConfigSource = "default" | "file" | "environment" | "flag";

/** An error in the configuration. The value of the next lower source is used instead. */
export interface ConfigIssue {
  readonly source: Exclude<ConfigSource, "default">;
  /**
   * `link.plain-refused`, `config.unknown-key`, `config.wrong-value`, `config.not-in-file`, `config.not-json`,
   * `config.too-large`, `config.unreadable`.
   */
  readonly code: Code;
  /** What is wrong and where, without secret values. */
  readonly message: string;
  readonly hint: string;
}

export interface ResolvedConfig {
  readonly values: ConfigValues;
  readonly sources: Readonly<Record<ConfigKey, ConfigSource>>;
  readonly issues: readonly ConfigIssue[];
}

export interface ConfigInput {
  /** The file's content; absent: there is no file. */
  readonly file?: JsonObject;
  /** Name of the file, for messages. */
  readonly fileName?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Pairs such as `["--log-level", "debug"]`. */
  readonly flags: readonly (readonly [name: string, value: string])[];
}

/** Most issues kept, so that a file of nonsense cannot fill a log. */
const ISSUES_MAX = 50;
const FILE_DEPTH_MAX = 8;

/** Resolves the configuration: flags override environment, file and defaults, in this order. A wrong value becomes an issue. Pure. */
export function resolveConfig(input: ConfigInput): ResolvedConfig {
  // Two passes: whether an unencrypted address is allowed depends on another key, from any source.
  const plainAllowed = lay(input, true).values["cloud.allowPlain"];
  return lay(input, plainAllowed);
}

function lay(input: ConfigInput, plainAllowed: boolean): ResolvedConfig {
  const values: Record<string, ConfigValue> = {};
  const sources: Record<string, ConfigSource> = {};
  const issues: ConfigIssue[] = [];
  const complain = (issue: ConfigIssue): void => {
    if (issues.length < ISSUES_MAX) issues.push(issue);
  };
  for (const key of CONFIG_KEYS) {
    values[key] = configEntry(key).default;
    sources[key] = "default";
  }
  const take = (source: ConfigIssue["source"], key: ConfigKey, place: string, read: Result<ConfigValue, string>): void => {
    const plain = read.ok && key === "cloud.endpoints" ? plainIssueIn(read.value as readonly string[], plainAllowed) : undefined;
    if (plain !== undefined) {
      complain({ source, code: plain.code, message: `${place}: ${plain.message}`, hint: plain.hint ?? "" });
      return;
    }
    if (read.ok) {
      values[key] = read.value;
      sources[key] = source;
      for (const flaw of flawsIn(key, read.value)) {
        complain({ source, code: "config.wrong-value", message: `${place}: ${flaw.message}`, hint: `correct this entry${flaw.hint === undefined ? "" : ` (${flaw.hint})`}; until then it is left out, and the others are used` });
      }
      return;
    }
    const error = configEntry(key).secret === true ? read.error.replace(/, got .*$/, ", got something else") : read.error;
    complain({
      source,
      code: "config.wrong-value",
      message: `${place}: ${error}`,
      hint: `correct it; until then ${key} is ${shown(key, values[key])} (${sources[key] ?? "default"})`,
    });
  };
  fromFile(input, take, complain);
  fromEnvironment(input.environment, take, complain);
  fromFlags(input.flags, take, complain);
  return { values: values as unknown as ConfigValues, sources: sources as Record<ConfigKey, ConfigSource>, issues };
}

function flawsIn(key: ConfigKey, value: ConfigValue): readonly Issue[] {
  const { flaws } = configEntry(key);
  return flaws === undefined || typeof value !== "string" ? [] : flaws(value);
}

/** The value for messages and the CLI; secrets as `(set)` or `(not set)`. */
export function shown(key: ConfigKey, value: ConfigValue | undefined): string {
  if (configEntry(key).secret === true) return isSet(value) ? "(set)" : "(not set)";
  return JSON.stringify(value);
}

/** Whether a value is neither missing nor empty. */
export function isSet(value: ConfigValue | undefined): boolean {
  return value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0);
}

type Take = (source: ConfigIssue["source"], key: ConfigKey, place: string, read: Result<ConfigValue, string>) => void;
type Complain = (issue: ConfigIssue) => void;

function fromFile({ file, fileName = "config.json" }: ConfigInput, take: Take, complain: Complain): void {
  if (file === undefined) return;
  for (const [key, value] of flatten(file, "", 0)) {
    if (!isConfigKey(key)) {
      const near = nearestName(key, CONFIG_KEYS);
      const hint = near === undefined ? "remove it; docs/configuration.md lists every key" : `did you mean ${near}?`;
      complain({ source: "file", code: "config.unknown-key", message: `${fileName}: unknown key ${JSON.stringify(key.slice(0, 80))}`, hint });
    } else if (configEntry(key).notInFile === true) {
      const hint = `remove it from the file; set ${environmentName(key)} or ${flagName(key)}`;
      complain({ source: "file", code: "config.not-in-file", message: `${fileName}: ${key} cannot be set in the file`, hint });
    } else take("file", key, `${fileName}, at ${key}`, readJsonValue(configEntry(key).type, value));
  }
}

function fromEnvironment(environment: ConfigInput["environment"], take: Take, complain: Complain): void {
  const byName = new Map(CONFIG_KEYS.map((key) => [environmentName(key), key]));
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !name.startsWith("VITRINE_")) continue;
    const key = byName.get(name);
    if (key !== undefined) take("environment", key, name, readTextValue(configEntry(key).type, value));
    else {
      // Other parts of Vitrine have variables too, so only a near miss is reported.
      const near = nearestName(name, [...byName.keys()]);
      if (near !== undefined && Math.abs(near.length - name.length) <= 2) {
        complain({
          source: "environment",
          code: "config.unknown-key",
          message: `${name.slice(0, 80)} is not a configuration variable`,
          hint: `did you mean ${near}?`,
        });
      }
    }
  }
}

function fromFlags(flags: ConfigInput["flags"], take: Take, complain: Complain): void {
  const byName = new Map(CONFIG_KEYS.map((key) => [flagName(key), key]));
  for (const [name, value] of flags) {
    const key = byName.get(name);
    if (key !== undefined) take("flag", key, name, readTextValue(configEntry(key).type, value));
    else {
      // Compared without the dashes, which would make short names look nearer than they are.
      const near = nearestName(name.replace(/^--/, ""), [...byName.keys()].map((flag) => flag.slice(2)));
      complain({
        source: "flag",
        code: "config.unknown-key",
        message: `unknown flag ${JSON.stringify(name.slice(0, 80))}`,
        hint: near === undefined ? "see docs/configuration.md" : `did you mean --${near}?`,
      });
    }
  }
}

/** `{"log": {"level": "debug"}}` → `["log.level", "debug"]`. Dotted keys are kept as they are. */
function* flatten(object: JsonObject, prefix: string, depth: number): Generator<[string, Json]> {
  for (const [name, value] of Object.entries(object)) {
    const key = prefix === "" ? name : `${prefix}.${name}`;
    if (isJsonObject(value) && !isConfigKey(key) && depth < FILE_DEPTH_MAX) yield* flatten(value, key, depth + 1);
    else yield [key, value];
  }
}
