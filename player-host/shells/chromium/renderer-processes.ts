import { readdir, readFile } from "node:fs/promises";
import type { Cdp } from "../cdp/cdp-client.ts";

/** Process ids of the group that a browser leads, from the kernel, which answers whatever the browser does; `undefined` where there is no /proc. */
export async function processesInGroup(groupId: number): Promise<readonly number[] | undefined> {
  const names = await readdir("/proc").catch(() => undefined);
  if (names === undefined) return undefined;
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const each = await Promise.all(pids.map(async (pid) => ((await isInGroup(pid, groupId)) ? [pid] : [])));
  return each.flat();
}

/** Of these the renderers. Chromium names a process's kind on its command line. */
export async function renderersInGroup(groupId: number): Promise<readonly number[] | undefined> {
  const pids = await processesInGroup(groupId);
  const each = pids && (await Promise.all(pids.map(async (pid) => ((await isRenderer(pid)) ? [pid] : []))));
  return each?.flat();
}

async function isInGroup(pid: number, groupId: number): Promise<boolean> {
  // "pid (name) state parent group …": the name may hold anything, so the fields are counted from its last bracket (proc_pid_stat(5)).
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) === groupId;
}

async function isRenderer(pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return /(^|[\0 ])--type=renderer([\0 ]|$)/.test(commandLine);
}

/** Process ids of the browser's renderers, as the browser itself knows them. */
export function rendererPids(cdp: Cdp): Promise<number[]> {
  return processIds(cdp, "renderer");
}

/** Of all its processes of one type: `renderer`, `GPU`. */
export async function processIds(cdp: Cdp, type: string): Promise<number[]> {
  const { processInfo } = await cdp.call("SystemInfo.getProcessInfo", undefined, { timeoutMs: 3_000 });
  return processInfo.filter((info) => info.type === type).map((info) => info.id);
}

/** Resident bytes of a process from the kernel; `undefined` where there is no /proc or no such process. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => undefined);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? "")?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** Sum over several; processes that are gone meanwhile do not count. `undefined` when none could be read. */
export async function residentBytesOf(pids: readonly number[]): Promise<number | undefined> {
  const each = (await Promise.all(pids.map(residentBytes))).filter((bytes) => bytes !== undefined);
  return each.length === 0 ? undefined : each.reduce((sum, bytes) => sum + bytes, 0);
}
