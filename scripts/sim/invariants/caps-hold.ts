import type { Invariant } from "./invariant.ts";

/** Finished entries the journal may keep, plus unfinished ones. */
const JOURNAL_ENTRIES_MAX = 2_000 + 512;

/** No store on the simulated disk exceeds its cap. */
export const capsHold: Invariant = {
  name: "caps-hold",
  always({ devices }) {
    for (const { disk, id } of devices) {
      const bytes = disk.outboxBytes();
      if (bytes > disk.bytesMax) return `the outbox of ${id} has ${bytes} bytes; its cap is ${disk.bytesMax}`;
      if (disk.journalEntries > JOURNAL_ENTRIES_MAX) return `the journal of ${id} has ${disk.journalEntries} entries`;
    }
    return undefined;
  },
};
