import { describeJournalStore } from "./journal-store.conformance.ts";
import { MemoryJournalStore } from "./memory-journal-store.ts";

describeJournalStore("in memory", false, () =>
  Promise.resolve({ store: new MemoryJournalStore(), close: () => Promise.resolve() }),
);
