import { readFile } from "node:fs/promises";
import type { Cdp } from "./cdp-client.ts";

/** Process ids of the browser's renderers, as the browser itself knows them. */
export async function rendererPids(cdp: Cdp): Promise<number[]> {
  const { processInfo } = await cdp.call("SystemInfo.getProcessInfo", undefined, { timeoutMs: 3_000 });
  return processInfo.filter((info) => info.type === "renderer").map((info) => info.id);
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
