import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { Clock, ClockQuality, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Random } from "../../platform/ports/random.ts";
import type { Issue } from "../../platform/ports/result.ts";
import type { JournalStore } from "../core/commands/journal-store.ts";
import { Outbox } from "../core/outbox/outbox.ts";
import type { OutboxIncident } from "../core/outbox/outbox-deps.ts";
import type { DocumentStore } from "../core/storage/document-store.ts";
import type { Paths } from "./paths.ts";
import { readMark } from "./sqlite/mark-file.ts";
import { documentFilePath, openDocuments } from "./sqlite/open-documents.ts";
import { QUARANTINE_PART, sqliteOutboxOpener } from "./sqlite/open-outbox.ts";
import { Quarantine } from "./sqlite/quarantine.ts";
import { AbsentJournalStore } from "./sqlite-journal/absent-journal-store.ts";
import { openJournal } from "./sqlite-journal/open-journal.ts";

/** Something about the storage that an alarm has to tell. */
export interface StorageFinding {
  readonly code: "storage.quarantined" | "storage.degraded" | "storage.unavailable";
  readonly message: string;
  readonly evidence: Readonly<Record<string, string | number>>;
}

export interface Stores {
  readonly documents: DocumentStore;
  readonly journal: JournalStore;
  readonly outbox: Outbox;
  /** What was wrong when they were opened. */
  readonly findings: readonly StorageFinding[];
  /** Tells of what goes wrong later; called once the alarms are there. */
  onIncident(listener: (incident: OutboxIncident) => void): void;
}

export interface StoresDeps {
  readonly paths: Paths;
  readonly capBytes: number;
  readonly bootId: string;
  readonly quality: ClockQuality;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** Damaged files of the two small databases that are kept. */
const SMALL_QUARANTINE_BYTES = 8 * 1024 * 1024;

/** Opens every store, whatever state its file is in; a device always starts. */
export async function openStores(deps: StoresDeps): Promise<Stores> {
  const { paths, clock, random, timers, log } = deps;
  const findings: StorageFinding[] = [];
  const degraded = (file: string, consequence: string, why: Issue): void => {
    const code = why.code === "storage.unavailable" ? why.code : "storage.degraded";
    findings.push({ code, message: `${file} cannot be used: ${consequence} (${why.message})`, evidence: { file, why: why.code } });
  };
  // The folder is shared with the outbox, which would take the rest away without a word.
  const quarantineBytesMax = Math.min(SMALL_QUARANTINE_BYTES, Math.floor(deps.capBytes * QUARANTINE_PART));
  const documents = openDocuments({ path: paths.documents, quarantine: paths.quarantine, quarantineBytesMax, clock });
  if (documents.degraded !== undefined) degraded("state.sqlite", documentsConsequence(documents.degraded, paths), documents.degraded);
  if (documents.loss !== undefined) findings.push(damaged(documents.loss.file, documents.loss.why, documents.loss.quarantined !== undefined, { salvaged: documents.loss.salvagedKeys.length, letGo: documents.loss.letGo ?? 0 }));
  const forgotten = forgottenCommands(paths);
  const quarantine = new Quarantine(paths.quarantine, quarantineBytesMax);
  const opened = await openJournal({ path: paths.journal, quarantine, wallMs: clock.wallMs(), boot: deps.bootId });
  if (opened.kind === "unusable") degraded("journal.sqlite", "every command is refused, because nobody would know after a restart that it ran", opened.why);
  else if (opened.kind === "marked") degraded("journal.sqlite", "commands are kept in memory and run once, but a restart forgets outcomes that the cloud does not have yet", opened.why);
  else if (opened.damage !== undefined) findings.push(damaged("journal.sqlite", opened.damage.why, opened.damage.movedTo !== undefined, { salvaged: opened.damage.salvaged, letGo: quarantine.letGo }));
  if (forgotten !== undefined) findings.push(forgotten);
  const incidents: OutboxIncident[] = [];
  let tell = (incident: OutboxIncident): void => void incidents.push(incident);
  const outbox = await Outbox.open(
    {
      openStore: sqliteOutboxOpener({ path: paths.outbox, quarantine: paths.quarantine, capBytes: deps.capBytes, clock, random, boot: deps.bootId }),
      clock, timers, random, log: log.child({ part: "outbox" }), boot: deps.bootId, quality: deps.quality,
    },
    (incident) => tell(incident),
  );
  return {
    documents: documents.store,
    journal: opened.kind === "unusable" ? new AbsentJournalStore(opened.why) : opened.store,
    outbox,
    findings,
    onIncident: (listener) => {
      tell = listener;
      for (const incident of incidents.splice(0)) listener(incident);
    },
  };
}

function documentsConsequence({ code }: Issue, { documents }: Paths): string {
  if (code === "storage.unavailable") return `what could be read of it is used, and changes are kept in ${basename(documentFilePath(documents))}`;
  return "what could be read of it is used, and every change is refused until the disk takes writes again";
}

/**
 * An earlier start wrote marks beside the journal, and now there are none that can be believed. Then nothing misses what the
 * journal no longer knows, should it be cut off or gone as well: that has to be said, for nobody could tell. That there was an
 * earlier start is seen by the outbox, which is opened after the journal.
 */
function forgottenCommands({ journal, outbox }: Paths): StorageFinding | undefined {
  const { kind } = readMark(`${journal}.marks`);
  if (kind === "found" || !existsSync(outbox)) return undefined;
  const state = kind === "absent" ? "are gone" : "cannot be read";
  const message = `the marks beside journal.sqlite ${state}${existsSync(journal) ? "" : ", and so is the journal"}: should commands be missing from it, they can run once more`;
  return { code: "storage.quarantined", message, evidence: { file: "journal.sqlite.marks", why: "storage.corrupt" } };
}

function damaged(file: string, why: Issue, setAside: boolean, evidence: Readonly<Record<string, number>>): StorageFinding {
  return { code: "storage.quarantined", message: `${file} was damaged${setAside ? " and set aside" : ""}: ${why.message}`, evidence: { file, why: why.code, ...evidence } };
}
