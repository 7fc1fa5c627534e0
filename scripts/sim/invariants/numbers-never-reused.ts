import type { Invariant } from "./invariant.ts";

/** Once sent, a sequence number of a log always means the same record, in every cloud. */
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
