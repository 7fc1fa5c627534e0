import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withInstallLock } from "./install-lock.mjs";
import { SetupError } from "./setup-error.mjs";

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, peer?: boolean }} LockedPackage */
/** @typedef {{ packages: Record<string, LockedPackage> }} LockFile */

const HEARTBEAT_MS = 5_000;

/**
 * Makes node_modules match package-lock.json. When it already does, only reads two small files and needs no network.
 * @param {string} root
 */
export async function ensureDependencies(root) {
  const text = await readFile(join(root, "package-lock.json"), "utf8");
  const lock = parseLock(text);
  const wanted = `${createHash("sha256").update(text).digest("hex")} ${process.platform} ${process.arch}\n`;
  const stamp = join(root, "node_modules/.vitrine-setup");
  if ((await readOptional(stamp)) === wanted) return;
  const installWhatIsMissing = async () => {
    if (!(await installedMatches(root, lock))) await install(root, lock);
    await writeFile(stamp, wanted);
  };
  await withInstallLock(root, installWhatIsMissing, () => console.log("Another command is installing the dependencies here; waiting for it …"));
}

/**
 * Whether exactly this is already installed, for instance by a plain `npm ci`. npm records what it installed as its last
 * step, so an interrupted install never matches.
 * @param {string} root
 * @param {LockFile} lock
 */
async function installedMatches(root, lock) {
  const text = await readOptional(join(root, "node_modules/.package-lock.json"));
  if (text === undefined) return false;
  const installed = parseLock(text).packages;
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (path === "") return true;
    const found = installed[path];
    // npm leaves out optional packages of other platforms.
    if (found === undefined) return wanted.optional === true || wanted.peer === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

/**
 * @param {string} root
 * @param {LockFile} lock
 */
async function install(root, lock) {
  const count = Object.keys(lock.packages).length - 1;
  console.log(`Installing dependencies (up to ${count} packages, once) …`);
  const startedMs = Date.now();
  const seconds = () => Math.round((Date.now() - startedMs) / 1000);
  // On a terminal npm shows its own progress; elsewhere print a line now and then.
  const heartbeat = process.stdout.isTTY ? undefined : setInterval(() => console.log(`  … still installing (${seconds()} s)`), HEARTBEAT_MS);
  const code = await runNpm(root, ["ci", "--no-audit", "--no-fund", "--loglevel=error"]).finally(() => clearInterval(heartbeat));
  if (code !== 0) {
    throw new SetupError(
      `Installing the dependencies failed (npm ci ended with ${code}; its message is above).\n` +
        "The first run needs a package registry: check the network or the proxy settings, then run the same command again.",
    );
  }
  console.log(`Dependencies installed in ${seconds()} s.`);
}

/**
 * Runs the npm that started us, else the one on PATH. Resolves with its exit code, or with why it could not start.
 * @param {string} root
 * @param {readonly string[]} args
 * @returns {Promise<number | string | null>}
 */
function runNpm(root, args) {
  const ownNpm = process.env["npm_execpath"];
  const [command, first] = ownNpm !== undefined && /npm-cli\.c?js$/.test(ownNpm) ? [process.execPath, [ownNpm]] : ["npm", []];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", (error) => {
      reject(new SetupError(`Could not run npm (${error.message}). Node's installers bring it; Debian calls the package "npm".`));
    });
    child.on("exit", (code, signal) => resolve(code ?? signal));
  });
}

/**
 * @param {string} text
 * @returns {LockFile}
 */
function parseLock(text) {
  return /** @type {LockFile} */ (JSON.parse(text));
}

/** @param {string} path */
async function readOptional(path) {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    // The usual case on a fresh clone.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined;
    throw error;
  }
}
