import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Memory of a process in bytes, as the kernel counts it. */
export interface ProcessMemory {
  readonly rss: number;
  /** The part of `rss` not backed by a file: heap, stacks. */
  readonly anonymous: number;
  /** Like `rss`, with pages shared between processes divided among them. */
  readonly pss: number;
  /** Highest `rss` since the start or `forgetPeak`. */
  readonly peak: number;
}

export function memoryOf(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    rss: kilobytes(status, "VmRSS") * 1024,
    anonymous: kilobytes(status, "RssAnon") * 1024,
    pss: kilobytes(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"), "Pss") * 1024,
    peak: kilobytes(status, "VmHWM") * 1024,
  };
}

/** Resets `peak`. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Bytes this process caused to be written to storage, counted when it dirties pages. */
export function writtenBytesOf(pid: number): number {
  return colonField(readFileSync(`/proc/${pid}/io`, "utf8"), "write_bytes");
}

/** Processor time of the process and of children it waited for, in seconds. */
export function processorSecondsOf(pid: number): { readonly own: number; readonly children: number } {
  const tasks = readdirSync(`/proc/${pid}/task`).map((task) => readIfThere(`/proc/${pid}/task/${task}/schedstat`));
  return { own: sumOfRunTimes(tasks), children: childrenSeconds(readFileSync(`/proc/${pid}/stat`, "utf8")) };
}

/** Run time in seconds. `schedstat` has ns; the hundredths of a second of `stat` are too coarse for an idle process. */
export function sumOfRunTimes(schedstats: readonly string[]): number {
  return schedstats.reduce((sum, text) => sum + Number(text.split(" ")[0] ?? 0), 0) / 1e9;
}

/** Linux reports these times in hundredths of a second, whatever its own tick. */
const TICKS_PER_SECOND = 100;

/** The second field of `stat` is the program's name in parentheses, which may itself contain parentheses and spaces. */
export function childrenSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const seconds = (field: number): number => Number(fields[field - 3]) / TICKS_PER_SECOND;
  return seconds(16) + seconds(17);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The thread ended between listing and reading it.
    return "0";
  }
}

/** Value of a line such as `VmRSS:      1234 kB`. Throws when there is none. */
export function kilobytes(text: string, name: string): number {
  return colonField(text, name);
}

function colonField(text: string, name: string): number {
  const found = new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1];
  if (found === undefined) throw new Error(`the kernel does not tell ${name}`);
  return Number(found);
}
