import { readdir, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";

/** Symbolic links by which Chromium marks a profile as in use. The first points to `host-pid`. */
const MARKS = ["SingletonLock", "SingletonSocket", "SingletonCookie"];

/**
 * Makes sure that no other browser uses the profile before ours starts. A browser left over from a killed host is ended:
 * a second browser on the same profile would hand its page to the first one and exit.
 */
export async function freeProfile(profileDir: string, log: Log): Promise<void> {
  const left = await browsersOn(profileDir);
  for (const pid of left) {
    log.warn({ pid }, "ending a browser left over on our profile");
    try {
      process.kill(pid, "SIGKILL");
    } catch (thrown) {
      // It has ended by itself (ESRCH). Any other failure shows when the browser is started.
      log.debug({ pid, error: messageOf(thrown) }, "left-over browser was gone");
    }
  }
  const owner = await readlink(join(profileDir, MARKS[0] ?? "")).catch(() => undefined);
  if (owner === undefined) return;
  log.info({ owner }, "removing the profile lock of a browser that is gone");
  for (const mark of MARKS) await rm(join(profileDir, mark), { force: true });
}

/** Ids of processes whose command line names exactly this profile. Empty where there is no /proc; there the pipe's end ends a browser. */
export async function browsersOn(profileDir: string): Promise<number[]> {
  const flag = `--user-data-dir=${profileDir}`;
  const entries = await readdir("/proc").catch(() => []);
  const pids: number[] = [];
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    // The process may have ended since the listing.
    const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (line.split("\0").includes(flag)) pids.push(Number(entry));
  }
  return pids;
}
