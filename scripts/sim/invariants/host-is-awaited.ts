import type { Invariant } from "./invariant.ts";

/** Longest time from the end of a command to its accepted outcome, including disk trouble. */
const OUTCOME_LATE_MS = 120_000;
/** Outcome code when no host was found; a host that refuses was found. */
const NOT_FOUND = '"code":"player.absent"';

/**
 * A command for the player finds a running player host, although the host connects to a restarted agent later than the
 * cloud's commands after the welcome arrive.
 */
export const hostIsAwaited: Invariant = {
  name: "host-is-awaited",
  watch({ sim, devices }, breach) {
    sim.ledger.onAccepted.add(({ device, stream, kind, identity, atMs }) => {
      if (stream !== "outcome" || kind !== "command" || !identity.includes(NOT_FOUND)) return;
      const presentSinceMs = devices.find(({ id }) => id === device)?.player.presentSinceMs;
      if (presentSinceMs === undefined || atMs - presentSinceMs < OUTCOME_LATE_MS) return;
      breach(`a command of ${device} ended because no player host was found, although one has run for ${Math.round(atMs - presentSinceMs)} ms: ${identity}`);
    });
  },
};
