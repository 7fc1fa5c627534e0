import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * The process that holds a line, such as `process 412 (fand)`, for the message of a refusal. The kernel shows it in
 * /proc/PID/fdinfo to root and to the process's own user, and only for version 2 of its interface.
 */
export async function holderOf(chipName: string, offset: number, proc = "/proc"): Promise<string | undefined> {
  const pids = (await entries(proc)).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    for (const fd of await entries(join(proc, pid, "fd"))) {
      if ((await orUndefined(readlink(join(proc, pid, "fd", fd)))) !== "anon_inode:gpio-line") continue;
      const info = (await orUndefined(readFile(join(proc, pid, "fdinfo", fd), "utf8"))) ?? "";
      if (!new RegExp(`^gpio-chip:\\s*${chipName}$`, "m").test(info) || !new RegExp(`^gpio-line:\\s*${offset}$`, "m").test(info)) continue;
      const comm = await orUndefined(readFile(join(proc, pid, "comm"), "utf8"));
      return `process ${pid}${comm === undefined ? "" : ` (${comm.trim()})`}`;
    }
  }
  return undefined;
}

async function entries(folder: string): Promise<readonly string[]> {
  return (await orUndefined(readdir(folder))) ?? [];
}

/** Processes of other users are closed to us and processes end while we look: neither is an error here. */
function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch(() => undefined);
}
