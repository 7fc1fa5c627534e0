import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { SetupError } from "./setup-error.mjs";

/** better-sqlite3 13 needs Node-API 10 and crashes the process on Node 20; type stripping needs 22.18. */
const WANTED_MAJOR = 24;

/**
 * A Node to run Vitrine with: this one if new enough, else that of the npm package `node`.
 * @param {string} root
 */
export async function findNode(root) {
  if (majorOf(process.version) >= WANTED_MAJOR) return { path: process.execPath, version: process.version };
  const path = join(root, "node_modules/node/bin/node");
  const version = await versionOf(path);
  if (version.ok && majorOf(version.value) >= WANTED_MAJOR) return { path, version: version.value };
  throw new SetupError(
    `Vitrine runs on Node ${WANTED_MAJOR} or later; this is ${process.version}, and the one that npm should have brought is not usable ` +
      `(${version.ok ? `it is ${version.value}` : version.why}).\n` +
      `Either install Node ${WANTED_MAJOR}, or, if npm's install scripts are switched off here (npm config get ignore-scripts), ` +
      "switch them on, delete node_modules and run this again.",
  );
}

/**
 * @param {string} path
 * @returns {Promise<{ ok: true, value: string } | { ok: false, why: string }>}
 */
async function versionOf(path) {
  try {
    const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 10_000 });
    return { ok: true, value: stdout.trim() };
  } catch (error) {
    // Missing, not executable, or built for another C library: the advice is the same.
    return { ok: false, why: `${path}: ${messageOf(error)}` };
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return String(error instanceof Error ? error.message : error).split("\n")[0];
}

/** @param {string} version */
function majorOf(version) {
  return Number(version.replace(/^v/, "").split(".")[0]);
}
