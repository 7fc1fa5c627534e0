import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { heapAfterGc } from "../harness/heap-after-gc.ts";
import type { SoakDevice } from "./soak-device.ts";

/** Figures at the end of one simulated day. */
export interface SoakDay {
  readonly day: number;
  readonly heapBytes: number;
  readonly fileBytes: number;
  /** Bytes that this process caused to be written during the day, by the kernel's count. */
  readonly flashBytes: number;
  readonly timers: number;
  readonly handles: number;
}

export interface SoakLimits {
  readonly heapSlopeBytesPerDay: number;
  readonly fileBytes: number;
  readonly flashBytesPerDay: number;
  readonly timersGrowth: number;
  readonly handlesGrowth: number;
}

/** Flash: 20 MB a day for default telemetry, plus twice a page of 1 KiB and its frame for each of 8,640 plays. */
export const SOAK_LIMITS: SoakLimits = { heapSlopeBytesPerDay: 200_000, fileBytes: 66 * 1024 * 1024, flashBytesPerDay: 70_000_000, timersGrowth: 8, handlesGrowth: 2 };

const MINUTE_MS = 60_000;
const PLAY_EVERY_MS = 10_000;
/** Without network for one hour each night and ten minutes at noon. */
const OUTAGES: readonly (readonly [fromMinute: number, toMinute: number])[] = [[180, 240], [720, 730]];

/** Runs one day: a play every ten seconds, default telemetry, schedule and outages. */
export async function soakDay(device: SoakDevice, day: number, folder: string): Promise<SoakDay> {
  const flashBefore = flashBytes();
  for (let minute = 0; minute < 1_440; minute += 1) {
    for (const [from, to] of OUTAGES) {
      if (minute === from) device.network(false);
      if (minute === to) device.network(true);
    }
    for (let at = 0; at < MINUTE_MS; at += PLAY_EVERY_MS) {
      device.play(device.plays.offered);
      await device.time.advance(PLAY_EVERY_MS);
    }
    if (minute % 30 === 0) device.prune();
    await written(device);
  }
  device.prune();
  await device.outbox.flush();
  return { day, heapBytes: heapAfterGc(), fileBytes: folderBytes(folder), flashBytes: flashBytes() - flashBefore, timers: device.time.pending().length, handles: process.getActiveResourcesInfo().length };
}

/** Waits for real syncs, which take no virtual time. */
async function written(device: SoakDevice): Promise<void> {
  for (let turns = 0; turns < 200 && device.outbox.status().pendingRecords > 0; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Reports exceeded limits, one sentence each. The first day is warm-up and does not count. */
export function judgeSoak(days: readonly SoakDay[], limits: SoakLimits = SOAK_LIMITS): { readonly heapSlopeBytesPerDay: number; readonly violations: readonly string[] } {
  const warm = days.slice(1);
  const heapSlopeBytesPerDay = slope(warm.map(({ heapBytes }) => heapBytes));
  const violations: string[] = [];
  const most = (pick: (day: SoakDay) => number): number => Math.max(...warm.map(pick));
  const grew = (pick: (day: SoakDay) => number): number => (warm.length === 0 ? 0 : pick(warm.at(-1) ?? days[0] ?? NO_DAY) - pick(warm[0] ?? NO_DAY));
  if (heapSlopeBytesPerDay > limits.heapSlopeBytesPerDay) violations.push(`the heap grows by ${Math.round(heapSlopeBytesPerDay)} bytes a day; at most ${limits.heapSlopeBytesPerDay}`);
  if (most(({ fileBytes }) => fileBytes) > limits.fileBytes) violations.push(`the files have ${most(({ fileBytes }) => fileBytes)} bytes; at most ${limits.fileBytes}`);
  if (most(({ flashBytes: bytes }) => bytes) > limits.flashBytesPerDay) violations.push(`${most(({ flashBytes: bytes }) => bytes)} bytes written in a day; at most ${limits.flashBytesPerDay}`);
  if (grew(({ timers }) => timers) > limits.timersGrowth) violations.push(`${grew(({ timers }) => timers)} timers more than on the second day`);
  if (grew(({ handles }) => handles) > limits.handlesGrowth) violations.push(`${grew(({ handles }) => handles)} handles more than on the second day`);
  return { heapSlopeBytesPerDay, violations };
}

const NO_DAY: SoakDay = { day: 0, heapBytes: 0, fileBytes: 0, flashBytes: 0, timers: 0, handles: 0 };

/** Least-squares slope over equal steps. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const spread = values.reduce((sum, _value, at) => sum + (at - middle) ** 2, 0);
  return spread === 0 ? 0 : values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0) / spread;
}

/** proc_pid_io(5): bytes this process caused to be sent to the storage layer. */
function flashBytes(): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? "0");
}

function folderBytes(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? folderBytes(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0));
  }, 0);
}
