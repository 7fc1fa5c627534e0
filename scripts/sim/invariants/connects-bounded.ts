import type { Invariant } from "./invariant.ts";

const WINDOW_MS = 60_000;
/** Attempts per minute, including the quick first ones after a start or a plugged-in cable. */
const ATTEMPTS_MAX = 20;

/** No device floods a cloud with connection attempts, whatever the cloud and the network do. */
export const connectsBounded: Invariant = {
  name: "connects-bounded",
  watch({ sim }, breach) {
    const recent = new Map<string, number[]>();
    sim.ledger.onConnect.add(({ device, atMs }) => {
      const times = (recent.get(device) ?? []).filter((earlier) => atMs - earlier < WINDOW_MS);
      times.push(atMs);
      recent.set(device, times);
      if (times.length > ATTEMPTS_MAX) breach(`${device} made ${times.length} attempts to connect within a minute`);
    });
  },
};
