import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import * as v from "valibot";
import type { LogLevel } from "../../platform/node/json-log.ts";
import { fail, messageOf, ok, type Result } from "../../platform/ports/result.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { PassedOverSchema, type PassedOver } from "../contract/browser-report.ts";

/** Command-line options of a player host. */
export interface HostOptions {
  /** Absolute data folder. */
  readonly dataDir: string;
  /** Absolute folder for the log. */
  readonly logsDir: string;
  /** The browser's binary; Electron needs none. */
  readonly browser?: string;
  /** Why this browser was chosen, in a few words from the launcher. */
  readonly browserWhy: string;
  /** Browsers that were looked for or tried first, and why they were not used. */
  readonly passedOver: readonly PassedOver[];
  /** Another browser can take over: the host ends with exit code 69 if this one shows no picture. */
  readonly trial: boolean;
  readonly headless: boolean;
  readonly window: { readonly width: number; readonly height: number };
  readonly logLevel: LogLevel;
}

export const USAGE = "usage: player-host --data DIR [--logs DIR] [--browser PATH] [--browser-why TEXT] [--passed-over JSON] [--trial] [--headless] [--window-size WxH] [--log-level LEVEL]";
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export function parseHostOptions(argv: readonly string[], cwd: string): Result<HostOptions> {
  const parsed = parse(argv);
  if (!parsed.ok) return parsed;
  const { data, logs, browser, trial = false, headless = false, "window-size": size = "1920x1080", "log-level": wantedLevel = "info" } = parsed.value;
  if (data === undefined || data === "") return fail("host.usage", "--data is missing.", USAGE);
  const match = /^(\d{2,5})[x,](\d{2,5})$/.exec(size);
  if (match === null) return fail("host.usage", `--window-size ${size} is not WIDTHxHEIGHT.`, USAGE);
  const logLevel = LEVELS.find((level) => level === wantedLevel);
  if (logLevel === undefined) return fail("host.usage", `--log-level ${wantedLevel} is none of ${LEVELS.join(", ")}.`, USAGE);
  const passedOver = v.safeParse(v.array(PassedOverSchema), parseJson(parsed.value["passed-over"] ?? "[]"));
  if (!passedOver.success) return fail("host.usage", "--passed-over is not a JSON list of { name, why }.", USAGE);
  const browserWhy = parsed.value["browser-why"] ?? (browser === undefined ? "the player host's own" : `${browser}, named on the command line`);
  const window = { width: Number(match[1]), height: Number(match[2]) };
  const dataDir = resolve(cwd, data);
  const logsDir = logs === undefined || logs === "" ? join(dataDir, "logs") : resolve(cwd, logs);
  return ok({ dataDir, logsDir, headless, window, logLevel, trial, browserWhy, passedOver: passedOver.output, ...(browser === undefined ? {} : { browser }) });
}

interface Flags {
  readonly data?: string;
  readonly logs?: string;
  readonly browser?: string;
  readonly "browser-why"?: string;
  readonly "passed-over"?: string;
  readonly trial?: boolean;
  readonly headless?: boolean;
  readonly "window-size"?: string;
  readonly "log-level"?: string;
}

function parse(argv: readonly string[]): Result<Flags> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        data: { type: "string" },
        logs: { type: "string" },
        browser: { type: "string" },
        "browser-why": { type: "string" },
        "passed-over": { type: "string" },
        trial: { type: "boolean" },
        headless: { type: "boolean" },
        "window-size": { type: "string" },
        "log-level": { type: "string" },
      },
    });
    return ok(values);
  } catch (thrown) {
    // parseArgs throws on unknown flags and missing values and names them.
    return fail("host.usage", messageOf(thrown), USAGE);
  }
}
