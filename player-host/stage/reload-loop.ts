/** Monotonic times of the last loads that the page on the screen began itself, oldest first. */
export type OwnReloads = readonly number[];

/** So many within `LOOP_WITHIN_MS` are a loop: every 17 s or more often. A sign that refreshes every minute is none. */
const LOOP_RELOADS = 8;
const LOOP_WITHIN_MS = 120_000;
/** Without a reload for this long it is over. */
const LOOP_OVER_MS = 60_000;

/** Pure. */
export function withReload(before: OwnReloads, nowMs: number): OwnReloads {
  return [...before, nowMs].slice(-LOOP_RELOADS);
}

/** How often the page loads itself anew, where that is a loop; `undefined` where it is none. Pure. */
export function loopEveryMs(reloads: OwnReloads, nowMs: number): number | undefined {
  const [first, last] = [reloads[0], reloads.at(-1)];
  if (reloads.length < LOOP_RELOADS || first === undefined || last === undefined) return undefined;
  if (last - first > LOOP_WITHIN_MS || nowMs - last > LOOP_OVER_MS) return undefined;
  return (last - first) / (LOOP_RELOADS - 1);
}
