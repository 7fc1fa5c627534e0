import { parseArgs } from "node:util";
import { fail, messageOf, ok, type Result } from "../tool-result.ts";

export interface StartOptions {
  /** Number of simulated devices, each with its own agent and player host, 1 to 50. */
  readonly devices: number;
  readonly headless: boolean;
  /** Devices wait to be claimed with the code on their screens, instead of being claimed automatically. */
  readonly pair: boolean;
  /** Port of the development cloud and its dashboard, on loopback. */
  readonly port: number;
  /** The only browser to use: `electron`, `chromium` or a path. */
  readonly browser: string | undefined;
  /** As typed. */
  readonly data: string | undefined;
}

export const HELP = `npm start -- [options]

Runs Vitrine on this machine: the development cloud with its dashboard, and for each simulated
device an agent and a player host showing a real page.

  --devices N   simulated devices, 1 to 50 (default 1)
  --headless    no windows; the pictures are in the dashboard (chosen by itself without a display)
  --pair        devices show their pairing code and wait to be claimed
  --browser B   electron, chromium, or a browser's path: this one and no other (default: the first that
                shows a picture, Electron before Chromium)
  --port P      port of the dashboard and the cloud, on this machine only (default 4600)
  --data DIR    where everything is kept; started again on it, they are the same devices (default .vitrine)
  --help        this text

Ctrl-C stops everything; a second one forces it.`;

const DEVICES_MAX = 50;

/** Parses the command line; `undefined` means that help was requested. Error: `start.usage`. */
export function parseOptions(args: readonly string[]): Result<StartOptions | undefined> {
  let values: { devices: string; headless: boolean; pair: boolean; port: string; browser?: string; data?: string; help: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        devices: { type: "string", default: "1" },
        headless: { type: "boolean", default: false },
        pair: { type: "boolean", default: false },
        port: { type: "string", default: "4600" },
        browser: { type: "string" },
        data: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (thrown) {
    // parseArgs throws for unknown options and missing values, and its message names them.
    return usage(messageOf(thrown).split(". ")[0] ?? "");
  }
  if (values.help) return ok(undefined);
  const devices = wholeNumber(values.devices, 1, DEVICES_MAX);
  if (devices === undefined) return usage(`--devices takes a whole number from 1 to ${DEVICES_MAX}, not "${values.devices}"`);
  const port = wholeNumber(values.port, 1, 65_535);
  if (port === undefined) return usage(`--port takes a whole number from 1 to 65535, not "${values.port}"`);
  if (values.data === "") return usage("--data takes the name of a folder");
  if (values.browser === "") return usage("--browser takes electron, chromium or a path");
  return ok({ browser: values.browser, devices, port, headless: values.headless, pair: values.pair, data: values.data });
}

function wholeNumber(text: string, min: number, max: number): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined;
}

function usage(message: string): Result<never> {
  return fail("start.usage", message, "npm start -- --help lists the options.");
}
