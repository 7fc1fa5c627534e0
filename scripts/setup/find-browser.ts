import { delimiter, join } from "node:path";
import { fail, ok, type Result } from "../tool-result.ts";
import type { PassedOver } from "../../player-host/contract/browser-report.ts";
import { canInstall, installPackages } from "./debian-packages.ts";
import { findElectron, type ElectronFetch } from "./electron-binary.ts";
import { probeOnce, type FoundBrowser } from "./found-browser.ts";
import type { Machine } from "./machine.ts";

export interface FindOptions {
  readonly root: string;
  /** Whether Debian's package may be installed when nothing is there. */
  readonly install: boolean;
  readonly machine: Machine;
}

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"];
const MAC_APPS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
];

/**
 * Browsers that could show the picture, best first: Electron, downloaded if its server answers; each Chrome and Chromium of
 * this machine; Debian's package, newly installed. Each is looked for only when requested. VITRINE_BROWSER restricts them
 * to that one. `passOver` is called for each that is not available.
 */
export async function* browserCandidates(options: FindOptions, passOver: (what: PassedOver) => void): AsyncGenerator<FoundBrowser, void, undefined> {
  const { root, install, machine } = options;
  if (isNamed(machine)) {
    const named = await namedBrowser(options);
    if (named.ok) yield named.value;
    else passOver({ name: "VITRINE_BROWSER", why: named.error.message });
    return;
  }
  const electron = await findElectron(root, machine, fetchWish(machine));
  if (electron.ok) yield electron.value;
  else passOver({ name: "electron", why: electron.error.message });
  let found = 0;
  for await (const chromium of chromiumsOf(options)) {
    found += 1;
    yield chromium;
  }
  if (found > 0 || !install) return;
  const installed = await installChromium(options);
  if (installed !== undefined) yield installed;
}

/** The browser named on the command line: `electron`, `chromium` or a path. */
export async function findForced(wanted: string, options: FindOptions): Promise<Result<FoundBrowser>> {
  const { root, machine } = options;
  if (wanted === "electron") return findElectron(root, machine, "must");
  if (wanted === "chromium") return findChromium(options);
  const found = await probeOnce(machine, wanted, "named with --browser", memoryIn(root));
  return found === undefined ? notUsable(machine, "--browser", wanted) : ok(found);
}

/** A Chrome or Chromium of this machine, else Debian's package if it can be installed. */
export async function findChromium(options: FindOptions): Promise<Result<FoundBrowser>> {
  const { install, machine } = options;
  if (isNamed(machine)) return namedBrowser(options);
  for await (const found of chromiumsOf(options)) return ok(found);
  const installed = install ? await installChromium(options) : undefined;
  return installed === undefined ? noBrowser(machine) : ok(installed);
}

export function noBrowser({ platform }: Machine): Result<never> {
  return fail("browser.missing", "No browser was found: Vitrine shows its pictures with Electron, Chrome or Chromium.", howToInstall(platform));
}

function isNamed({ env }: Machine): boolean {
  return (env["VITRINE_BROWSER"] ?? "") !== "";
}

/** The browser in VITRINE_BROWSER. No fallback: another one would test or show the wrong thing. */
async function namedBrowser({ root, machine }: Pick<FindOptions, "root" | "machine">): Promise<Result<FoundBrowser>> {
  const path = machine.env["VITRINE_BROWSER"] ?? "";
  const found = await probeOnce(machine, path, "VITRINE_BROWSER", memoryIn(root));
  return found === undefined ? notUsable(machine, "VITRINE_BROWSER", path) : ok(found);
}

async function notUsable(machine: Machine, namedBy: string, path: string): Promise<Result<never>> {
  const why = (await machine.isExecutable(path)) ? "which does not answer --version with a version" : "where there is no program";
  return fail("browser.not-usable", `${namedBy} names ${path}, ${why}.`);
}

function fetchWish({ env }: Machine): ElectronFetch {
  const wish = env["VITRINE_ELECTRON"];
  return wish === "download" ? "must" : wish === "off" ? "no" : "try";
}

/** Each browser once, even if two names lead to the same file. */
async function* chromiumsOf({ root, machine }: Pick<FindOptions, "root" | "machine">): AsyncGenerator<FoundBrowser, void, undefined> {
  const folders = (machine.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const seen = new Set<string>();
  for (const path of machine.platform === "darwin" ? [...MAC_APPS, ...onPath] : onPath) {
    const real = await machine.realPath(path);
    if (seen.has(real)) continue;
    seen.add(real);
    const found = await probeOnce(machine, path, "found on this machine", memoryIn(root));
    if (found !== undefined) yield found;
  }
}

async function installChromium(options: FindOptions): Promise<FoundBrowser | undefined> {
  const { machine } = options;
  if (!(await canInstall(machine))) return undefined;
  machine.say("No browser here: installing Debian's chromium package (once) …");
  if (!(await installPackages(machine, ["chromium"])).ok) return undefined;
  for await (const installed of chromiumsOf(options)) return { ...installed, evidence: `${installed.evidence}, installed just now` };
  return undefined;
}

/** Cache of reported versions, removed together with node_modules. */
function memoryIn(root: string): string {
  return join(root, "node_modules/.vitrine-browsers");
}

function howToInstall(platform: NodeJS.Platform): string {
  if (platform === "darwin") return "Install Google Chrome, or set VITRINE_BROWSER to a browser's path, then run this again.";
  if (platform === "win32") return "Install Chrome, set VITRINE_BROWSER to its path, then run this again.";
  return 'Install one (Debian, Ubuntu: "sudo apt-get install chromium"), or set VITRINE_BROWSER to its path, then run this again.';
}
