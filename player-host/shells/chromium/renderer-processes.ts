import { readdir, readFile } from "node:fs/promises";
import type { Cdp } from "../cdp/cdp-client.ts";

/**
 * Process ids in the process group that a browser leads; `undefined` where there is no /proc. Read from the kernel, so it works
 * even when the browser hangs.
 */
export async function processesInGroup(groupId: number): Promise<readonly number[] | undefined> {
  const names = await readdir("/proc").catch(() => undefined);
  if (names === undefined) return undefined;
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const each = await Promise.all(pids.map(async (pid) => ((await isInGroup(pid, groupId)) ? [pid] : [])));
  return each.flat();
}

/** The renderers among `processesInGroup`. Chromium puts the process type on the command line. */
export async function renderersInGroup(groupId: number): Promise<readonly number[] | undefined> {
  const pids = await processesInGroup(groupId);
  const each = pids && (await Promise.all(pids.map(async (pid) => ((await isRenderer(pid)) ? [pid] : []))));
  return each?.flat();
}

async function isInGroup(pid: number, groupId: number): Promise<boolean> {
  // "pid (name) state parent group …": the name may hold any character, so fields are counted from the last parenthesis
  // (proc_pid_stat(5)).
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) === groupId;
}

async function isRenderer(pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return /(^|[\0 ])--type=renderer([\0 ]|$)/.test(commandLine);
}

/** Process ids of the renderers, as reported by the browser. Rejects with a `CdpError`. */
export function rendererPids(cdp: Cdp): Promise<number[]> {
  return processIds(cdp, "renderer");
}

/** Process ids of the browser's processes of one type (`renderer`, `GPU`). Rejects with a `CdpError`. */
export async function processIds(cdp: Cdp, type: string): Promise<number[]> {
  const { processInfo } = await cdp.call("SystemInfo.getProcessInfo", undefined, { timeoutMs: 3_000 });
  return processInfo.filter((info) => info.type === type).map((info) => info.id);
}

/** Resident memory of a process in bytes, from the kernel; `undefined` where there is no /proc or no such process. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => undefined);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? "")?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** Total resident memory of several processes in bytes, without those that have ended. `undefined` when none could be read. */
export async function residentBytesOf(pids: readonly number[]): Promise<number | undefined> {
  const each = (await Promise.all(pids.map(residentBytes))).filter((bytes) => bytes !== undefined);
  return each.length === 0 ? undefined : each.reduce((sum, bytes) => sum + bytes, 0);
}
