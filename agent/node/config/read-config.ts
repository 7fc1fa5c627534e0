import { open } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { CONFIG_KEYS, configEntry, flagName } from "../../core/config/config-table.ts";
import { resolveConfig, type ConfigIssue, type ResolvedConfig } from "../../core/config/resolve-config.ts";
import { readEditorText, SAVE_AS_UTF_8 } from "../editor-text.ts";
import type { Code } from "../../../platform/ports/codes.ts";

const FILE_BYTES_MAX = 256 * 1024;

export interface ReadConfig extends ResolvedConfig {
  /** Path of the configuration file, whether it exists or not. */
  readonly file: string;
  /** Errors of the command line that nobody may start with: a misspelt or empty `--data` would use another folder. */
  readonly misuses: readonly Misuse[];
}

export interface Misuse {
  readonly message: string;
  readonly hint: string;
}

const FLAGS_HINT = "flags are --key value; --help lists them";

/**
 * Reads the configuration file (`config.file`, else `<data>/config.json`), the environment and the flags. Never fails: an unusable value becomes an issue, and the
 * device starts without it. With `values.strict` the caller prints the issues and exits with `EXIT.badConfiguration`.
 */
export async function readConfig(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<ReadConfig> {
  const { flags, rest, valueless } = parseFlags(argv);
  // The file cannot say where it is, so environment and flags are enough to find it.
  const place = resolveConfig({ environment, flags }).values;
  const file = place["config.file"] === "" ? join(place.data, "config.json") : place["config.file"];
  const read = await readFileConfig(file);
  const resolved = resolveConfig({ environment, flags, fileName: file, ...(read.content === undefined ? {} : { file: read.content }) });
  const misuses = [
    ...resolved.issues.filter(({ source, code, message }) => source === "flag" && (code === "config.unknown-key" || message.startsWith("--data:"))),
    ...valueless.map((flag) => ({ message: `the flag ${flag} has no value`, hint: FLAGS_HINT })),
    ...rest.map((word) => ({ message: `unexpected argument "${word}"`, hint: FLAGS_HINT })),
  ];
  return { ...resolved, issues: [...(read.issue === undefined ? [] : [read.issue]), ...resolved.issues], file, misuses };
}

interface ParsedFlags {
  readonly flags: readonly (readonly [string, string])[];
  /** Arguments that are not flags. */
  readonly rest: readonly string[];
  /** Flags at the end or before another flag. A value that begins with `--` needs `--key=value`. */
  readonly valueless: readonly string[];
}

/** `--key value`, `--key=value`; a boolean flag may stand alone. Everything after `--` is not a flag. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const booleans = new Set(CONFIG_KEYS.filter((key) => configEntry(key).type.kind === "boolean").map(flagName));
  const flags: (readonly [string, string])[] = [];
  const rest: string[] = [];
  const valueless: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    if (argument === "--") {
      rest.push(...argv.slice(i + 1));
      break;
    }
    if (!argument.startsWith("--")) {
      rest.push(argument);
      continue;
    }
    const equals = argument.indexOf("=");
    if (equals > 0) flags.push([argument.slice(0, equals), argument.slice(equals + 1)]);
    else if (booleans.has(argument)) flags.push([argument, "true"]);
    else {
      const value = argv[i + 1];
      if (value === undefined || value.startsWith("--")) valueless.push(argument);
      else {
        flags.push([argument, value]);
        i += 1;
      }
    }
  }
  return { flags, rest, valueless };
}

async function readFileConfig(path: string): Promise<{ readonly content?: JsonObject; readonly issue?: ConfigIssue }> {
  const issue = (code: Code, message: string, hint: string): { issue: ConfigIssue } => ({ issue: { source: "file", code, message: `${path}: ${message}`, hint } });
  let text: string;
  try {
    const handle = await open(path, "r");
    try {
      const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      if (bytesRead > FILE_BYTES_MAX) return issue("config.too-large", `larger than ${FILE_BYTES_MAX} bytes`, "the file is ignored; make it smaller");
      const read = readEditorText(buffer.subarray(0, bytesRead));
      if (typeof read !== "string") return issue("config.not-json", `line ${read.line}, column ${read.column}: this character is not saved as UTF-8`, `the file is ignored; ${SAVE_AS_UTF_8}, and restart the agent`);
      text = read;
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    // A missing file is normal; any other error is reported, and the device starts without the file.
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return {};
    return issue("config.unreadable", messageOf(thrown), "check the file's owner and mode");
  }
  const json: Json | undefined = parseJson(text);
  if (isJsonObject(json)) return { content: json };
  if (json !== undefined) return issue("config.not-json", "not a JSON object", 'the file is ignored; it should look like {"device": {"name": "Lobby"}}');
  return issue("config.not-json", `not JSON${whereNotJson(text)}`, "the file is ignored; correct it and restart the agent");
}

/**
 * Finds where the text stops being a prefix of JSON. The parser's messages do not always give the place, so it is searched
 * for: a prefix that is merely cut off fails at its very end.
 */
function whereNotJson(text: string): string {
  let good = 0;
  let bad = text.length;
  if (!breaks(text)) return ": it ends too early";
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (breaks(text.slice(0, middle))) bad = middle;
    else good = middle;
  }
  const before = text.slice(0, good).split("\n");
  return `, at line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}

function breaks(prefix: string): boolean {
  try {
    JSON.parse(prefix);
    return false;
  } catch (thrown) {
    // All that matters is whether the error is at the very end (merely cut off) or before it.
    const position = /position (\d+)/.exec(messageOf(thrown))?.[1];
    return position === undefined ? !messageOf(thrown).includes("end of JSON") : Number(position) < prefix.length;
  }
}
