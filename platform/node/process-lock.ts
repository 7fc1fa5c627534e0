import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { fail, messageOf, ok, type Result } from "../ports/result.ts";
import { makeFolder } from "./make-folder.ts";
import { isAlive, readProcStat } from "./proc.ts";

const TRIES_MAX = 3;

/**
 * One process of a kind per data folder. The lock names a process by pid and start time, so that a lock left by a killed one,
 * or by one before a reboot whose pid is somebody else's now, is recognised as stale: a pid alone would keep a screen dark for
 * ever. Gives what lets go of it. Errors: `lock.held`, `lock.contended`, `lock.unwritable`; which of them ends the process
 * is the caller's to say.
 */
export function takeProcessLock(path: string): Result<() => void> {
  try {
    makeFolder(dirname(path), 0o700);
    return take(path);
  } catch (thrown) {
    // Whatever the disk or the folder says: without a name for it in the file system there is no lock.
    return fail("lock.unwritable", `the lock ${path} cannot be written: ${messageOf(thrown)}`, "check the folder's owner and mode, and that the disk is not mounted read-only");
  }
}

function take(path: string): Result<() => void> {
  const own: Holder = { pid: process.pid, started: startOf(process.pid) ?? "" };
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (create(path, own)) return ok(() => release(path, own));
    const holder = readHolder(path);
    if (holder !== undefined && isHeld(holder, own)) return fail("lock.held", `process ${holder.pid} holds ${path}`);
    if (!setAsideStale(path, own)) break;
  }
  return fail("lock.contended", `another process is taking ${path} at this moment`);
}

/** The lock appears with its text in it: one that is empty is torn, never one that is being written. False: there is one. */
function create(path: string, own: Holder): boolean {
  const temporary = `${path}.${process.pid}`;
  const fd = openSync(temporary, "w", 0o600);
  try {
    writeSync(fd, JSON.stringify(own));
    fsyncSync(fd);
    linkSync(temporary, path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw thrown;
  } finally {
    closeSync(fd);
    rmSync(temporary, { force: true });
  }
}

/**
 * Takes a stale lock out of the way. False: between the look at it and now another process had done so and made
 * its own; that one was taken out instead and is put back.
 */
function setAsideStale(path: string, own: Holder): boolean {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (thrown) {
    // The other one was faster; the next try looks at its lock.
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    return true;
  }
  const holder = readHolder(aside);
  const live = holder !== undefined && isHeld(holder, own);
  if (live) renameSync(aside, path);
  else rmSync(aside, { force: true });
  return !live;
}

/** Only our own: a lock that somebody took over is theirs. */
function release(path: string, own: Holder): void {
  const holder = readHolder(path);
  if (holder?.pid === own.pid && holder.started === own.started) rmSync(path, { force: true });
}

interface Holder {
  readonly pid: number;
  /** Empty on a system that does not say. */
  readonly started: string;
}

/** Where start times are not known, our own pid in a lock is that of one who had it before us. */
function isHeld(holder: Holder, own: Holder): boolean {
  if (holder.pid === own.pid && own.started === "") return false;
  return startOf(holder.pid) === holder.started;
}

function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as { pid?: unknown; started?: unknown } | null;
    return typeof holder?.pid === "number" && typeof holder.started === "string" ? { pid: holder.pid, started: holder.started } : undefined;
  } catch (thrown) {
    // Empty or torn by a power cut, or gone meanwhile: nobody holds it.
    if (thrown instanceof SyntaxError || (thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}

/** `undefined`: no such process. On a system without /proc (macOS) the pid alone has to do. */
function startOf(pid: number): string | undefined {
  const stat = readProcStat(pid);
  if (stat !== undefined) return stat.started;
  return readProcStat(process.pid) === undefined && isAlive(pid) ? "" : undefined;
}
