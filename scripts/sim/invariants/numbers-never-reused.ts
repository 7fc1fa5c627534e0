import type { Invariant } from "./invariant.ts";

/** A sequence number of a log means one record, for ever and in every cloud, from the moment it leaves the device. */
export const numbersNeverReused: Invariant = {
  name: "numbers-never-reused",
  watch({ sim }, breach) {
    const meaning = new Map<string, string>();
    sim.ledger.onSent.add(({ place, identity }) => {
      const before = meaning.get(place);
      if (before === undefined) meaning.set(place, identity);
      else if (before !== identity) breach(`${place} was ${before.slice(0, 200)} and is now ${identity.slice(0, 200)}`);
    });
  },
};
