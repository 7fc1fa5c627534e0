import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { fail, messageOf, ok, type Result } from "../ports/result.ts";
import { makeFolder } from "./make-folder.ts";
import { isAlive, readProcStat } from "./proc.ts";

const TRIES_MAX = 3;

/**
 * Takes a lock that allows one process of a kind per data folder. The lock identifies its holder by pid and start time, so that
 * a lock left by a killed process is recognised as stale even if the pid has been reused since. A pid alone could keep a
 * screen dark forever. Returns the release function. Errors: `lock.held`, `lock.contended`, `lock.unwritable`; the caller
 * decides which of them ends the process.
 */
export function takeProcessLock(path: string): Result<() => void> {
  try {
    makeFolder(dirname(path), 0o700);
    return take(path);
  } catch (thrown) {
    // Whatever the cause, a lock that cannot be written is not held.
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

/** Creates the lock file atomically, so an empty one is torn, never half-written. Returns false if a lock already exists. */
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
 * Moves a stale lock aside. Returns false if another process has replaced it in the meantime; in that case the new lock
 * was moved, and it is put back.
 */
function setAsideStale(path: string, own: Holder): boolean {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (thrown) {
    // Another process was faster; the next attempt checks its lock.
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    return true;
  }
  const holder = readHolder(aside);
  const live = holder !== undefined && isHeld(holder, own);
  if (live) renameSync(aside, path);
  else rmSync(aside, { force: true });
  return !live;
}

/** Removes only our own lock, not one that another process has taken over. */
function release(path: string, own: Holder): void {
  const holder = readHolder(path);
  if (holder?.pid === own.pid && holder.started === own.started) rmSync(path, { force: true });
}

interface Holder {
  readonly pid: number;
  /** Empty if the system does not provide start times. */
  readonly started: string;
}

/** Without start times, a lock with our own pid was left by an earlier process with the same pid. */
function isHeld(holder: Holder, own: Holder): boolean {
  if (holder.pid === own.pid && own.started === "") return false;
  return startOf(holder.pid) === holder.started;
}

function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as { pid?: unknown; started?: unknown } | null;
    return typeof holder?.pid === "number" && typeof holder.started === "string" ? { pid: holder.pid, started: holder.started } : undefined;
  } catch (thrown) {
    // Empty, torn by a power cut, or deleted meanwhile: not held.
    if (thrown instanceof SyntaxError || (thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Returns `undefined` if there is no such process. Without /proc (macOS), only the pid is checked. */
function startOf(pid: number): string | undefined {
  const stat = readProcStat(pid);
  if (stat !== undefined) return stat.started;
  return readProcStat(process.pid) === undefined && isAlive(pid) ? "" : undefined;
}
