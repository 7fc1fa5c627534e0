/** Records per second and device sent live; a replayed backlog of a million would overwhelm every browser. */
const RECORDS_PER_SECOND = 200;

interface Window {
  readonly startMs: number;
  readonly used: number;
  readonly skipped: number;
}

/** Decides how many records of a batch are sent live, and counts those skipped since the last one sent. */
export class RecordThrottle {
  readonly #windows = new Map<string, Window>();

  take(device: string, count: number, nowMs: number): { readonly allowed: number; readonly skipped: number } {
    const before = this.#windows.get(device);
    const window =
      before === undefined || nowMs - before.startMs >= 1_000
        ? { startMs: nowMs, used: 0, skipped: before?.skipped ?? 0 }
        : before;
    const allowed = Math.min(count, RECORDS_PER_SECOND - window.used);
    const left = window.skipped + count - allowed;
    this.#windows.set(device, { startMs: window.startMs, used: window.used + allowed, skipped: allowed > 0 ? 0 : left });
    return { allowed, skipped: allowed > 0 ? left : 0 };
  }
}
