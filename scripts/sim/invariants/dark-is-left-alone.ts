import type { Invariant, SimWorld } from "./invariant.ts";

/** Longest time from the hang of a page to its new renderer: a check that has just begun, three late ones, and the longest patience. */
const HANG_MAX_MS = 90_000;

/**
 * A page behind an output that is off is not repaired, however long the night, and one that hangs is, whether its output is on or
 * off.
 */
export const darkIsLeftAlone: Invariant = {
  name: "dark-is-left-alone",
  always: ({ sim, devices }: SimWorld) => {
    for (const { id, player } of devices) {
      if (player.page === undefined) continue;
      const { hungSinceMs, needlessRepairs } = player.page;
      if (needlessRepairs > 0) return `the page of ${id} did not hang and was ended, ${player.output === "off" ? "behind an output that is off" : "with its output on"}`;
      const hungMs = hungSinceMs === undefined ? 0 : sim.time.monotonicMs() - hungSinceMs;
      if (hungMs > HANG_MAX_MS) return `the page of ${id} has hung for ${Math.round(hungMs)} ms with its output ${player.output}`;
    }
    return undefined;
  },
};
