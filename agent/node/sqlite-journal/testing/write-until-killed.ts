import { openJournal } from "../open-journal.ts";
import { Quarantine } from "../../sqlite/quarantine.ts";
import { valuesOf } from "../../../core/storage/testing/values-of.ts";
import { entry, final } from "../../../core/commands/testing/journal-entries.ts";

/** Runs commands through their states endlessly, and prints what is on disk. The test that started it kills it. */
const [path = "", quarantine = ""] = process.argv.slice(2);
const opening = await openJournal({ path, quarantine: new Quarantine(quarantine, 1_000_000), wallMs: Date.now(), boot: "boot-1" });
if (opening.kind !== "open") throw new Error(opening.why.message);
const store = valuesOf(opening.store);
for (let number = 1; ; number += 1) {
  await store.put(entry(number));
  process.stdout.write(`${number} delivered\n`);
  await store.put(entry(number, { state: { kind: "running", started: { wallMs: 1, boot: "boot-1" } } }));
  process.stdout.write(`${number} running\n`);
  await store.put(entry(number, { state: final(number, number, number % 2 === 0) }));
  process.stdout.write(`${number} final\n`);
  if (number % 50 === 0)
    await store.prune({ finishedBeforeWallMs: number - 20, entriesMax: 1_000, bytesMax: 10_000_000 });
}
