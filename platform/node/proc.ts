import { readFileSync } from "node:fs";

/** What the kernel says of a process in /proc/<pid>/stat (proc(5)). */
export interface ProcStat {
  /** One letter; `Z` is a zombie: it has ended, and its parent has not looked yet. */
  readonly state: string;
  readonly parent: number;
  /** Clock ticks between the machine's start and its own: with the pid, a name that is never given twice in one boot. */
  readonly started: string;
}

/** `undefined`: no such process, or a system without /proc. */
export function readProcStat(pid: number): ProcStat | undefined {
  const text = readProc(pid, "stat");
  // The second field is the name in parentheses and may hold spaces and parentheses; fields are counted after it, from the third.
  const [state, parent, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const started = rest[17];
  return state === undefined || started === undefined ? undefined : { state, parent: Number(parent), started };
}

/** A file of a process's folder in /proc; empty when it is gone, for processes come and go while they are looked at. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return "";
    throw thrown;
  }
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
