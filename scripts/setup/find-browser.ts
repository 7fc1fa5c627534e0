import { delimiter, join } from "node:path";
import { fail, ok, type Result } from "../../platform/ports/result.ts";
import type { Machine } from "./machine.ts";

/** A browser that was found and has answered with its version. */
export interface FoundBrowser {
  readonly kind: "electron" | "chromium";
  readonly path: string;
  readonly version: string;
  /** Why this one: where it was found. */
  readonly evidence: string;
}

export interface FindOptions {
  readonly root: string;
  /** Whether Debian's package may be installed when nothing is there. */
  readonly install: boolean;
  readonly machine: Machine;
}

const VERSION_TIMEOUT_MS = 20_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;
const APT_TIMEOUT_MS = 300_000;

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"];
const MAC_APPS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
];
const ELECTRON_BINARY: Partial<Record<NodeJS.Platform, string>> = {
  darwin: "Electron.app/Contents/MacOS/Electron",
  win32: "electron.exe",
};

/** The browser for `npm start`: Electron where its binary is there, else a Chrome or Chromium, else Debian's. */
export async function findBrowser(options: FindOptions): Promise<Result<FoundBrowser>> {
  const electron = await findElectron(options);
  return electron.ok ? electron : findChromium(options);
}

/**
 * Electron's npm package has no binary until somebody asks for it, and where that download is not
 * possible asking hangs. So it is asked only with VITRINE_ELECTRON=download, for three minutes at most.
 */
export async function findElectron({ root, machine }: FindOptions): Promise<Result<FoundBrowser>> {
  const packageDir = join(root, "node_modules/electron");
  const binary = (await machine.readText(join(packageDir, "path.txt")))?.trim() ?? ELECTRON_BINARY[machine.platform] ?? "electron";
  const override = machine.env["ELECTRON_OVERRIDE_DIST_PATH"];
  if (override !== undefined) {
    const found = await probe(machine, "electron", join(override, binary), "ELECTRON_OVERRIDE_DIST_PATH");
    if (found !== undefined) return ok(found);
  }
  const path = join(packageDir, "dist", binary);
  const installed = await probe(machine, "electron", path, "node_modules/electron");
  if (installed !== undefined) return ok(installed);
  if (machine.env["VITRINE_ELECTRON"] !== "download") {
    return fail("browser.no-electron", "Electron's binary is not here.", "Set VITRINE_ELECTRON=download to fetch it.");
  }
  machine.say("Fetching Electron's binary …");
  await machine.run(process.execPath, [join(packageDir, "install.js")], { timeoutMs: DOWNLOAD_TIMEOUT_MS, show: true });
  const fetched = await probe(machine, "electron", path, "fetched by node_modules/electron");
  return fetched === undefined ? fail("browser.no-electron", "Electron's binary could not be fetched.") : ok(fetched);
}

/** A Chrome or Chromium of this machine, else Debian's package where that can be installed. */
export async function findChromium({ install, machine }: FindOptions): Promise<Result<FoundBrowser>> {
  const wanted = machine.env["VITRINE_BROWSER"];
  if (wanted !== undefined && wanted !== "") {
    const found = await probe(machine, "chromium", wanted, "VITRINE_BROWSER");
    // Somebody named a browser: using another one silently would test or show the wrong thing.
    return found === undefined ? fail("browser.not-usable", `VITRINE_BROWSER names ${wanted}, which does not answer with a version.`) : ok(found);
  }
  const onMachine = await searchMachine(machine);
  if (onMachine !== undefined) return ok(onMachine);
  if (install && (await installDebianPackage(machine))) {
    const installed = await searchMachine(machine);
    if (installed !== undefined) return ok({ ...installed, evidence: `${installed.evidence}, installed just now` });
  }
  return fail("browser.missing", "No browser was found: Vitrine shows its pictures with Electron, Chrome or Chromium.", howToInstall(machine.platform));
}

async function searchMachine(machine: Machine): Promise<FoundBrowser | undefined> {
  const folders = (machine.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const path of machine.platform === "darwin" ? [...MAC_APPS, ...onPath] : onPath) {
    const found = await probe(machine, "chromium", path, "found on this machine");
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A file by the right name may still be a stub (Ubuntu's points at a snap): it must say its version. */
async function probe(machine: Machine, kind: FoundBrowser["kind"], path: string, evidence: string): Promise<FoundBrowser | undefined> {
  if (!(await machine.isExecutable(path))) return undefined;
  const args = kind === "electron" && machine.isRoot ? ["--no-sandbox", "--version"] : ["--version"];
  const { code, stdout } = await machine.run(path, args, { timeoutMs: VERSION_TIMEOUT_MS });
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0];
  return code === 0 && version !== undefined ? { kind, path, version, evidence } : undefined;
}

async function installDebianPackage(machine: Machine): Promise<boolean> {
  if (machine.platform !== "linux" || !machine.isRoot) return false;
  if (!(await machine.isExecutable("/usr/bin/apt-get"))) return false;
  machine.say("No browser here: installing Debian's chromium package (once) …");
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const apt = async (...args: string[]): Promise<boolean> =>
    (await machine.run("/usr/bin/apt-get", args, { timeoutMs: APT_TIMEOUT_MS, show: true, env })).code === 0;
  const install = ["install", "-y", "-q", "chromium"];
  if (await apt(...install)) return true;
  // A fresh image has no package lists, or stale ones that name files no longer there.
  return (await apt("update", "-q")) && (await apt(...install));
}

function howToInstall(platform: NodeJS.Platform): string {
  if (platform === "darwin") return "Install Google Chrome, or set VITRINE_BROWSER to a browser's path, then run this again.";
  if (platform === "win32") return "Install Chrome, set VITRINE_BROWSER to its path, then run this again.";
  return 'Install one (Debian, Ubuntu: "sudo apt-get install chromium"), or set VITRINE_BROWSER to its path, then run this again.';
}
