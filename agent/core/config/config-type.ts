import { parseProxy, PROXY_WORDS } from "../../protocol/proxy-address.ts";
import { err, ok, type Result } from "../../../platform/ports/result.ts";
import type { Json } from "../../../platform/runtime/json.ts";

/** Type of a configuration key. Values come as JSON (file) or text (environment, flags). */
export type ConfigType =
  | { readonly kind: "text"; readonly lengthMax: number; readonly pattern?: RegExp; readonly patternSays?: string }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | { readonly kind: "boolean" }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  /** URLs with one of `protocols` (with the colon: `https:`); in text, separated by commas. */
  | { readonly kind: "addresses"; readonly protocols: readonly string[]; readonly countMax: number }
  /** Address of a proxy, as a list of at most one. */
  | { readonly kind: "proxy" };

/** The TypeScript type of a key's value. */
export type ConfigValueOf<T extends ConfigType> = T extends { kind: "integer" }
  ? number
  : T extends { kind: "boolean" }
    ? boolean
    : T extends { kind: "choice"; choices: readonly (infer C)[] }
      ? C
      : T extends { kind: "addresses" | "proxy" }
        ? readonly string[]
        : string;

export type ConfigValue = string | number | boolean | readonly string[];

/** For messages and docs: `whole number from 1 to 100`. */
export function describeType(type: ConfigType): string {
  switch (type.kind) {
    case "text":
      return type.patternSays ?? `text of at most ${type.lengthMax} characters`;
    case "integer":
      return `whole number from ${type.min} to ${type.max}`;
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${type.choices.join(", ")}`;
    case "addresses":
      return `list of at most ${type.countMax} addresses beginning with ${type.protocols.map((protocol) => `${protocol}//`).join(" or ")}`;
    case "proxy":
      return PROXY_WORDS;
  }
}

/** Reads a value from a file. The error is one sentence without the key: `expected …, got …`. */
export function readJsonValue(type: ConfigType, value: Json): Result<ConfigValue, string> {
  switch (type.kind) {
    case "text":
    case "choice":
      return typeof value === "string" ? checkText(type, value) : wrong(type, value);
    case "integer":
      return typeof value === "number" ? checkInteger(type, value, value) : wrong(type, value);
    case "boolean":
      return typeof value === "boolean" ? ok(value) : wrong(type, value);
    case "addresses":
      return Array.isArray(value) && value.every((item) => typeof item === "string") ? checkAddresses(type, value) : wrong(type, value);
    case "proxy":
      if (typeof value === "string") return checkProxy(value);
      return Array.isArray(value) && value.length <= 1 && value.every((item) => typeof item === "string") ? checkProxy(value[0] ?? "") : wrong(type, value);
  }
}

/** Reads a value from the environment or a flag. A flag without a value is `"true"`. */
export function readTextValue(type: ConfigType, text: string): Result<ConfigValue, string> {
  switch (type.kind) {
    case "text":
    case "choice":
      return checkText(type, text);
    case "integer":
      return checkInteger(type, /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN, text);
    case "boolean":
      if (text === "true" || text === "1" || text === "yes") return ok(true);
      return text === "false" || text === "0" || text === "no" ? ok(false) : wrong(type, text);
    case "addresses":
      return checkAddresses(type, text.split(",").map((item) => item.trim()).filter((item) => item !== ""));
    case "proxy":
      return checkProxy(text.trim());
  }
}

function checkProxy(text: string): Result<readonly string[], string> {
  if (text === "") return ok([]);
  const proxy = parseProxy(text);
  return proxy.ok ? ok([text]) : err(proxy.error.message);
}

function checkText(type: Extract<ConfigType, { kind: "text" | "choice" }>, text: string): Result<ConfigValue, string> {
  if (type.kind === "choice") return type.choices.includes(text) ? ok(text) : wrong(type, text);
  return text.length <= type.lengthMax && (type.pattern?.test(text) ?? true) ? ok(text) : wrong(type, text);
}

function checkInteger(type: Extract<ConfigType, { kind: "integer" }>, value: number, given: Json): Result<ConfigValue, string> {
  return Number.isSafeInteger(value) && value >= type.min && value <= type.max ? ok(value) : wrong(type, given);
}

function checkAddresses(type: Extract<ConfigType, { kind: "addresses" }>, list: readonly string[]): Result<ConfigValue, string> {
  const bad = list.find((address) => !isAddress(address, type.protocols));
  if (bad !== undefined) return wrong(type, bad);
  return list.length <= type.countMax ? ok(list) : err(`expected ${describeType(type)}, got ${list.length} of them`);
}

function isAddress(text: string, protocols: readonly string[]): boolean {
  if (text.length > 2048) return false;
  try {
    const url = new URL(text);
    return protocols.includes(url.protocol) && url.host !== "";
  } catch {
    // The constructor throws for text that is not a URL.
    return false;
  }
}

function wrong(type: ConfigType, value: Json): { readonly ok: false; readonly error: string } {
  const text = JSON.stringify(value);
  return err(`expected ${describeType(type)}, got ${text.length > 60 ? `${text.slice(0, 57)}…` : text}`);
}
