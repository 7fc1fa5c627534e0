import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { fail, ok, type Result } from "../../platform/ports/result.ts";

/**
 * One agent per data folder. The lock names a process by pid and start time, so that a lock left by a
 * killed agent, or by one before a reboot whose pid is somebody else's now, is recognised as stale.
 * Errors: `data.in-use`, `data.unwritable`.
 */
export function lockData(path: string): Result<() => void> {
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      create(path);
      return ok(() => rmSync(path, { force: true }));
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException;
      if (error.code !== "EEXIST") {
        return fail("data.unwritable", `the data folder cannot be written: ${error.message}`, "check its owner and mode, and that the disk is not mounted read-only");
      }
    }
    const holder = readHolder(path);
    if (holder !== undefined && isHeldByOther(holder)) {
      return fail("data.in-use", `another agent (pid ${holder.pid}) runs on this data folder`, "stop it, or use another folder with --data DIR");
    }
    if (!setAsideStale(path)) return inUse();
  }
  return inUse();
}

function inUse(): Result<never> {
  return fail("data.in-use", "another agent is starting on this data folder at this moment", "stop it, or use another folder with --data DIR");
}

/** The lock appears with its text in it: one that is empty is torn, never one that is being written. Throws `EEXIST`. */
function create(path: string): void {
  const own = `${path}.${process.pid}`;
  const fd = openSync(own, "w", 0o600);
  try {
    writeSync(fd, JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? "" }));
    fsyncSync(fd);
    linkSync(own, path);
  } finally {
    closeSync(fd);
    rmSync(own, { force: true });
  }
}

/**
 * Takes a stale lock out of the way. False: between the look at it and now another agent had done so and made
 * its own; that one was taken out instead and is put back.
 */
function setAsideStale(path: string): boolean {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (thrown) {
    // The other one was faster; the next try looks at its lock.
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    return true;
  }
  const holder = readHolder(aside);
  const live = holder !== undefined && isHeldByOther(holder);
  if (live) renameSync(aside, path);
  else rmSync(aside, { force: true });
  return !live;
}

function isHeldByOther(holder: Holder): boolean {
  return holder.pid !== process.pid && startOf(holder.pid) === holder.started;
}

interface Holder {
  readonly pid: number;
  readonly started: string;
}

function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as { pid?: unknown; started?: unknown };
    return typeof holder.pid === "number" && typeof holder.started === "string" ? { pid: holder.pid, started: holder.started } : undefined;
  } catch (thrown) {
    // Empty or torn by a power cut, or gone meanwhile: nobody holds it.
    if (thrown instanceof SyntaxError || (thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Start time of a process in clock ticks since boot (/proc/<pid>/stat field 22, proc(5)); `undefined`: no such process. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name in parentheses and may hold spaces; fields are counted after it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    return hasProc() ? undefined : aliveWithoutProc(pid);
  }
}

function hasProc(): boolean {
  try {
    readFileSync("/proc/self/stat");
    return true;
  } catch {
    // A system without /proc (macOS): the pid alone has to do.
    return false;
  }
}

function aliveWithoutProc(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return "";
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM" ? "" : undefined;
  }
}
