import { readFileSync } from "node:fs";

/** Fields of /proc/<pid>/stat (proc(5)). */
export interface ProcStat {
  /** One letter; `Z` is a zombie: it has ended, and its parent has not reaped it yet. */
  readonly state: string;
  readonly parent: number;
  /** Start time in clock ticks since boot. Together with the pid it identifies a process uniquely within one boot. */
  readonly started: string;
}

/** Returns `undefined` if there is no such process or no /proc. */
export function readProcStat(pid: number): ProcStat | undefined {
  const text = readProc(pid, "stat");
  // The second field is the name in parentheses and may hold spaces and parentheses; fields are counted after it, from the third.
  const [state, parent, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const started = rest[17];
  return state === undefined || started === undefined ? undefined : { state, parent: Number(parent), started };
}

/** Text of /proc/<pid>/<file>; empty if the process is gone. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return "";
    throw thrown;
  }
}

/** Whether a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // ESRCH: no such process. EPERM: it belongs to another user.
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
}
