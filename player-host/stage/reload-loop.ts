/** Monotonic times of the last loads that the page on the screen started itself, oldest first. */
export type OwnReloads = readonly number[];

/** This many reloads within `LOOP_WITHIN_MS` are a loop: one every 17 s or more often. A page that refreshes every minute is not. */
const LOOP_RELOADS = 8;
const LOOP_WITHIN_MS = 120_000;
/** Time without a reload after which a loop is over. */
const LOOP_OVER_MS = 60_000;

export function withReload(before: OwnReloads, nowMs: number): OwnReloads {
  return [...before, nowMs].slice(-LOOP_RELOADS);
}

/** Mean time between reloads of a page in a reload loop, in milliseconds; `undefined` when there is no loop. Pure. */
export function loopEveryMs(reloads: OwnReloads, nowMs: number): number | undefined {
  const [first, last] = [reloads[0], reloads.at(-1)];
  if (reloads.length < LOOP_RELOADS || first === undefined || last === undefined) return undefined;
  if (last - first > LOOP_WITHIN_MS || nowMs - last > LOOP_OVER_MS) return undefined;
  return (last - first) / (LOOP_RELOADS - 1);
}
