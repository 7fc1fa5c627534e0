import { isAlive, readProcStat } from "../../platform/node/proc.ts";
import type { Timers } from "../../platform/ports/clock.ts";
import { sleep } from "../../platform/runtime/sleep.ts";

export const PARENT_ENV = "VITRINE_PARENT_PID";
const CHECK_EVERY_MS = 1_000;

/** Resolves `true` once the process named by VITRINE_PARENT_PID is gone, `false` when `signal` aborts or none is named. */
export async function parentGone(env: NodeJS.ProcessEnv, timers: Timers, signal: AbortSignal): Promise<boolean> {
  const pid = Number(env[PARENT_ENV]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return false;
  while (await sleep(timers, "host.parent-watch", CHECK_EVERY_MS, signal)) {
    // Killed in a container whose init reaps no processes, the parent remains as a zombie; it is gone all the same.
    if (!isAlive(pid) || readProcStat(pid)?.state === "Z") return true;
  }
  return false;
}
