import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** The holder touches its lock this often. One not touched for STALE_MS was left by a killed process. */
const TOUCH_MS = 2_000;
const STALE_MS = 15_000;
const LOOK_MS = 200;

/**
 * Runs `work` under a lock of this tree: two `npm ci` at once delete each other's files.
 * @param {string} root
 * @param {() => Promise<void>} work
 * @param {() => void} onWait called once when another command has it
 */
export async function withInstallLock(root, work, onWait) {
  const path = join(root, ".vitrine-installing");
  let said = false;
  while (!(await take(path))) {
    if (!said) onWait();
    said = true;
    if (await isStale(path)) await discard(path);
    else await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  const touch = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => clearInterval(touch)), TOUCH_MS);
  try {
    await work();
  } finally {
    clearInterval(touch);
    await rm(path, { force: true });
  }
}

/** @param {string} path */
async function take(path) {
  try {
    await writeFile(path, `${hostname()} ${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} path */
async function isStale(path) {
  try {
    const [host, pid] = (await readFile(path, "utf8")).trim().split(" ");
    if (host === hostname() && pid !== undefined && !isAlive(Number(pid))) return true;
    return Date.now() - (await stat(path)).mtimeMs > STALE_MS;
  } catch (error) {
    // Released in between.
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/**
 * Removes a stale lock, by a rename that succeeds for only one of several waiters.
 * @param {string} path
 */
async function discard(path) {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  await rm(aside, { force: true });
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: alive, of another user.
    return codeOf(error) !== "ESRCH";
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}
