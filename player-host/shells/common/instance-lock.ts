import { mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";

/** Held as long as this host runs on its data folder. */
export interface InstanceLock {
  release(): Promise<void>;
}

const ATTEMPTS_MAX = 3;

/**
 * One host per data folder. The lock names the process and when it started: a process id alone is used again
 * by the kernel, and a lock left by a power cut would then keep a screen dark for ever. Errors: `host.already-running`,
 * `host.lock-contended`, and `host.lock-unwritable` where the disk takes no lock: no reason for a dark screen.
 */
export async function takeInstanceLock(path: string): Promise<Result<InstanceLock>> {
  try {
    return await take(path);
  } catch (thrown) {
    return fail("host.lock-unwritable", `The lock ${path} cannot be written: ${messageOf(thrown)}.`);
  }
}

async function take(path: string): Promise<Result<InstanceLock>> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mine = `${process.pid} ${(await startOf(process.pid)) ?? "?"}\n`;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    if (await create(path, mine)) return ok({ release: () => releaseIf(path, mine) });
    const owner = await readFile(path, "utf8").catch(() => "");
    const pid = await livingOwner(owner);
    if (pid !== undefined) return fail("host.already-running", `A player host (process ${pid}) already runs on this data folder.`, "Stop it first, or use another data folder.");
    await rm(path, { force: true });
  }
  return fail("host.lock-contended", `${path} is taken and given up again all the time.`);
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST") return false;
    throw thrown;
  }
}

/** The process that holds the lock, when it is still the one that wrote it. */
async function livingOwner(text: string): Promise<number | undefined> {
  const match = /^(\d+) (\S+)\s*$/.exec(text);
  if (match === null) return undefined;
  const [, pidText = "", started = ""] = match;
  const pid = Number(pidText);
  if (!isAlive(pid)) return undefined;
  const startsAt = await startOf(pid);
  return startsAt === undefined || started === "?" || startsAt === started ? pid : undefined;
}

/** Whether a process with this id is there, ours or somebody else's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // ESRCH: none. EPERM: there is one, of another user.
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
}

/** Start time in clock ticks since boot (field 22 of proc(5) `stat`, after the name in brackets). Linux only. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

async function releaseIf(path: string, mine: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => "")) === mine) await rm(path, { force: true });
}
