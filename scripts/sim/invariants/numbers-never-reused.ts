import { placeOf } from "../ledger.ts";
import type { Invariant } from "./invariant.ts";

/** A sequence number of a log means one record, for ever and in every cloud. */
export const numbersNeverReused: Invariant = {
  name: "numbers-never-reused",
  watch({ sim }, breach) {
    sim.ledger.onStored.add(({ row, identity }) => {
      const before = sim.ledger.storedAt.get(placeOf(row.device, row.log, row.stream, row.seq));
      if (before !== undefined && before.identity !== identity) {
        breach(`${row.stream} ${row.seq} of log ${row.log} was ${before.identity.slice(0, 200)} and is now ${identity.slice(0, 200)}`);
      }
    });
  },
};
