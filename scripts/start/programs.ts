import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathsIn } from "../../agent/node/paths.ts";
import { isJsonObject, parseJson } from "../../platform/runtime/json.ts";
import type { FoundBrowser } from "../setup/found-browser.ts";
import type { ChosenBrowser } from "./browser-choice.ts";
import type { ProgramSpec } from "./launcher.ts";

/** Places and settings of one `npm start`. */
export interface Place {
  /** Has `dist/`. */
  readonly root: string;
  readonly data: string;
  readonly port: number;
  readonly headless: boolean;
  /** Leave devices unclaimed, with the claim code on their screens. */
  readonly pair: boolean;
  /** Chromium's sandbox does not work as root. */
  readonly isRoot: boolean;
}

/** Entries without which `npm start` cannot run. */
export const NEEDED_ENTRIES = ["scripts/dev-cloud/main.ts", "agent/node/main.ts"];
export const PLAYER_ENTRY: Readonly<Record<FoundBrowser["kind"], string>> = {
  chromium: "player-host/shells/chromium/main.ts",
  electron: "player-host/shells/electron/main.ts",
};

/**
 * Node's flags for the player host, as in scripts/systemd. Agent and player host run for months and compute little: without a ceiling V8
 * takes room it does not need, and each of its threads its own; its optimising compilers stay in memory once they ran
 * (docs/decisions/2026-11-30-without-optimising-compilers.md).
 */
export const PLAYER_NODE_FLAGS = ["--max-semi-space-size=1", "--v8-pool-size=1", "--no-turbofan", "--no-maglev"];
export const AGENT_NODE_FLAGS = [...PLAYER_NODE_FLAGS, "--max-old-space-size=64"];
/** As there: by default the C library keeps freed memory apart for each thread. */
export const NODE_ENV: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: "1" };

export function deviceFolder({ data }: Place, device: string): string {
  return join(data, "devices", device);
}

export function cloudProgram(place: Place): ProgramSpec {
  const args = ["--port", String(place.port), "--data", join(place.data, "cloud"), "--devices-dir", join(place.data, "devices")];
  args.push("--sample", join(place.root, "dist/sample"), place.pair ? "--no-auto-claim" : "--auto-claim");
  return nodeProgram(place, "cloud", "dist/dev-cloud/main.js", args);
}

export function agentProgram(place: Place, device: string): ProgramSpec {
  const cloud = `ws://127.0.0.1:${place.port}/device/v1`;
  const args = ["--data", deviceFolder(place, device), "--platform", "simulated", "--cloud", cloud, "--device-name", `Screen ${device}`];
  // Two buttons on the simulated header; no random delay before the first connection.
  args.push("--gpio-inputs", "GPIO23,GPIO24", "--cloud-first-connect-spread-ms", "0");
  const program = nodeProgram(place, `agent-${device}`, "dist/agent/main.js", args);
  return { ...program, args: [...AGENT_NODE_FLAGS, ...program.args] };
}

export function playerProgram(place: Place, device: string, { browser, passedOver }: ChosenBrowser): ProgramSpec {
  const { headless, root } = place;
  const name = `player-${device}`;
  const args = ["--data", deviceFolder(place, device), `--browser-why=${browser.path}, ${browser.evidence}`, ...(headless ? ["--headless"] : [])];
  if (passedOver.length > 0) args.push(`--passed-over=${JSON.stringify(passedOver.slice(-16))}`);
  if (browser.kind === "chromium") {
    const program = nodeProgram(place, name, "dist/player-host/chromium.js", ["--browser", browser.path, ...args]);
    return { ...program, args: [...PLAYER_NODE_FLAGS, ...program.args] };
  }
  const sandbox = place.isRoot ? ["--no-sandbox"] : [];
  return { name, command: browser.path, args: [...sandbox, join(root, "dist/player-host/electron/main.js"), ...args], outputFile: outputFile(place, name) };
}

/** The boot id in a simulated device's world file; `undefined` while the file cannot be read. */
export function readBootId(place: Place, device: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(pathsIn(deviceFolder(place, device)).simulatedWorld, "utf8");
  } catch {
    // Not written yet, or being replaced.
    return undefined;
  }
  const world = parseJson(text);
  const power = isJsonObject(world) ? world["power"] : undefined;
  const id = power !== undefined && isJsonObject(power) ? power["bootId"] : undefined;
  return typeof id === "string" ? id : undefined;
}

function nodeProgram(place: Place, name: string, script: string, args: readonly string[]): ProgramSpec {
  return { name, command: process.execPath, args: [join(place.root, script), ...args], outputFile: outputFile(place, name) };
}

function outputFile({ data }: Place, name: string): string {
  const folder = join(data, "output");
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.log`);
}
