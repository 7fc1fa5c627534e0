import { join } from "node:path";
import { fail, ok, type Result } from "../tool-result.ts";
import { isJsonObject, parseJson } from "../../platform/runtime/json.ts";
import { probe, type FoundBrowser } from "./found-browser.ts";
import type { Machine } from "./machine.ts";

const LOOK_TIMEOUT_MS = 4_000;
const FETCH_TIMEOUT_MS = 300_000;
/** Time after a failed download before a start tries again. */
export const TRY_AGAIN_AFTER_MS = 6 * 3_600_000;
const BINARY: Partial<Record<NodeJS.Platform, string>> = { darwin: "Electron.app/Contents/MacOS/Electron", win32: "electron.exe" };
/** Names in Electron's download URLs. */
const ARCH: Partial<Record<NodeJS.Architecture, string>> = { arm: "armv7l" };

/**
 * Whether Electron's binary may be downloaded. `try`: if its server answers and no download failed in the last hours.
 * `must`: regardless of earlier failures. `no`: only an existing one is used.
 */
export type ElectronFetch = "try" | "must" | "no";

/** Electron's binary, which its npm package downloads only on request. Error: `browser.no-electron`. */
export async function findElectron(root: string, machine: Machine, wanted: ElectronFetch): Promise<Result<FoundBrowser>> {
  const packageDir = join(root, "node_modules/electron");
  const binary = (await machine.readText(join(packageDir, "path.txt")))?.trim() ?? BINARY[machine.platform] ?? "electron";
  const override = machine.env["ELECTRON_OVERRIDE_DIST_PATH"];
  const named = override === undefined ? undefined : await probe(machine, join(override, binary), "ELECTRON_OVERRIDE_DIST_PATH");
  if (named !== undefined) return ok(named);
  const path = join(packageDir, "dist", binary);
  const installed = await probe(machine, path, "node_modules/electron");
  if (installed !== undefined) return ok(installed);
  if (wanted === "no") return fail("browser.no-electron", "Electron's binary is not installed.", "npm start downloads it if its server answers.");
  const version = await packageVersion(packageDir, machine);
  if (version === undefined) return fail("browser.no-electron", "Electron's npm package is not installed.");
  const tried = wanted === "must" ? undefined : await lastTry(root, machine, version);
  if (tried !== undefined) return fail("browser.no-electron", `${tried.why}; it is tried again after ${timeOf(tried.atMs + TRY_AGAIN_AFTER_MS)}`);
  const fetched = await fetchBinary(packageDir, machine, version, path);
  if (!fetched.ok) await machine.writeText(tryFile(root), JSON.stringify({ version, atMs: machine.nowMs(), why: fetched.error.message }));
  return fetched;
}

async function fetchBinary(packageDir: string, machine: Machine, version: string, path: string): Promise<Result<FoundBrowser>> {
  const proxied = { NODE_USE_ENV_PROXY: "1" };
  const url = downloadUrl(machine, version);
  const look = await machine.run(process.execPath, [join(import.meta.dirname, "look-at-url.mjs"), url], { timeoutMs: LOOK_TIMEOUT_MS, env: proxied });
  if (look.code !== 0) return fail("browser.no-electron", `Electron ${version} could not be fetched: ${look.stdout.trim() || `${new URL(url).host} does not answer`}`);
  const megabytes = Math.round(Number(look.stdout.trim()) / 1e6);
  machine.say(`Fetching Electron ${version}${megabytes > 0 ? ` (${megabytes} MB)` : ""}, once …`);
  const run = { timeoutMs: FETCH_TIMEOUT_MS, show: true, progress: "fetching Electron", env: { ...proxied, ELECTRON_GET_USE_PROXY: "true" } };
  const { code } = await machine.run(process.execPath, [join(packageDir, "install.js")], run);
  const fetched = await probe(machine, path, "fetched into node_modules/electron");
  if (fetched !== undefined) return ok(fetched);
  const why = code === 0 ? "what came does not answer with a version" : code === undefined ? `it was not there after ${FETCH_TIMEOUT_MS / 1_000} s` : "its own message is above";
  return fail("browser.no-electron", `Electron ${version} could not be fetched: ${why}`);
}

/** As in `@electron/get`, with its mirror settings. */
function downloadUrl({ env, platform, arch }: Machine, version: string): string {
  const of = (name: string): string | undefined =>
    env[`npm_config_electron_${name}`] ?? env[`NPM_CONFIG_ELECTRON_${name.toUpperCase()}`] ?? env[`ELECTRON_${name.toUpperCase()}`];
  const base = of("mirror") ?? "https://github.com/electron/electron/releases/download/";
  return `${base}${of("custom_dir")?.replace("{{ version }}", version) ?? `v${version}`}/electron-v${version}-${platform}-${ARCH[arch] ?? arch}.zip`;
}

async function packageVersion(packageDir: string, machine: Machine): Promise<string | undefined> {
  const about = parseJson((await machine.readText(join(packageDir, "package.json"))) ?? "");
  return isJsonObject(about) && typeof about["version"] === "string" ? about["version"] : undefined;
}

/** A recent failed download of the same version. */
async function lastTry(root: string, machine: Machine, version: string): Promise<{ readonly atMs: number; readonly why: string } | undefined> {
  const tried = parseJson((await machine.readText(tryFile(root))) ?? "");
  if (!isJsonObject(tried) || tried["version"] !== version) return undefined;
  const { atMs, why } = tried;
  if (typeof atMs !== "number" || typeof why !== "string") return undefined;
  const agoMs = machine.nowMs() - atMs;
  return agoMs >= 0 && agoMs < TRY_AGAIN_AFTER_MS ? { atMs, why } : undefined;
}

/** In node_modules, so that a new installation tries again. */
function tryFile(root: string): string {
  return join(root, "node_modules/.vitrine-electron");
}

function timeOf(atMs: number): string {
  const at = new Date(atMs);
  return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
}
