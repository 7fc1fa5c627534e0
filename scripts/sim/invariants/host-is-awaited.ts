import type { Invariant } from "./invariant.ts";

/** Longest time from the end of a command to its outcome being accepted, with a disk that refuses for a while in between. */
const OUTCOME_LATE_MS = 120_000;
/** Nobody was asked. A host that refuses has been found. */
const NOT_FOUND = '"code":"player.absent"';

/**
 * A command for the player finds the player host, if that runs: it joins a restarted agent later than the commands that the
 * cloud sends behind its welcome.
 */
export const hostIsAwaited: Invariant = {
  name: "host-is-awaited",
  watch({ sim, devices }, breach) {
    sim.ledger.onAccepted.add(({ device, stream, kind, identity, atMs }) => {
      if (stream !== "outcome" || kind !== "command" || !identity.includes(NOT_FOUND)) return;
      const presentSinceMs = devices.find(({ id }) => id === device)?.player.presentSinceMs;
      if (presentSinceMs === undefined || atMs - presentSinceMs < OUTCOME_LATE_MS) return;
      breach(`a command of ${device} ended because no player host was there, which has run for ${Math.round(atMs - presentSinceMs)} ms: ${identity}`);
    });
  },
};
