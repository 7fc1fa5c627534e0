import { readdir, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";

/** Chromium's own marks that a profile is in use: links, the first one to `host-pid`. */
const MARKS = ["SingletonLock", "SingletonSocket", "SingletonCookie"];

/**
 * Makes sure that no browser is on the profile before ours starts. One that is left over from a host that
 * was killed is ended: a second browser on a profile hands its page to the first one and leaves.
 */
export async function freeProfile(profileDir: string, log: Log): Promise<void> {
  const left = await browsersOn(profileDir);
  for (const pid of left) {
    log.warn({ pid }, "ending a browser left over on our profile");
    try {
      process.kill(pid, "SIGKILL");
    } catch (thrown) {
      // It ended by itself in between (ESRCH). Anything else shows when the browser is started.
      log.debug({ pid, error: messageOf(thrown) }, "left-over browser was gone");
    }
  }
  const owner = await readlink(join(profileDir, MARKS[0] ?? "")).catch(() => undefined);
  if (owner === undefined) return;
  log.info({ owner }, "removing the mark of a browser that is gone");
  for (const mark of MARKS) await rm(join(profileDir, mark), { force: true });
}

/** Process ids whose command line names this very profile. Linux only; elsewhere the pipe's end is what ends a browser. */
export async function browsersOn(profileDir: string): Promise<number[]> {
  const flag = `--user-data-dir=${profileDir}`;
  const entries = await readdir("/proc").catch(() => []);
  const pids: number[] = [];
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    // A process may end while we look.
    const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (line.split("\0").includes(flag)) pids.push(Number(entry));
  }
  return pids;
}
