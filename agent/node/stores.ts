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

/** A storage problem that is reported as an alarm. */
export interface StorageFinding {
  readonly code: "storage.quarantined" | "storage.degraded" | "storage.unavailable";
  readonly message: string;
  readonly evidence: Readonly<Record<string, string | number>>;
}

export interface Stores {
  readonly documents: DocumentStore;
  readonly journal: JournalStore;
  readonly outbox: Outbox;
  /** Problems found while opening the stores. */
  readonly findings: readonly StorageFinding[];
  /** Sets the listener for outbox incidents; earlier ones are delivered at once. */
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

/** Limit on the damaged files kept of the two small databases. */
const SMALL_QUARANTINE_BYTES = 8 * 1024 * 1024;

/** Opens every store whatever state its file is in, so that the device always starts. */
export async function openStores(deps: StoresDeps): Promise<Stores> {
  const { paths, clock, random, timers, log } = deps;
  const findings: StorageFinding[] = [];
  const degraded = (file: string, consequence: string, why: Issue): void => {
    const code = why.code === "storage.unavailable" ? why.code : "storage.degraded";
    findings.push({ code, message: `${file} cannot be used: ${consequence} (${why.message})`, evidence: { file, why: why.code } });
  };
  // The outbox shares this folder and would silently delete anything beyond its own limit.
  const quarantineBytesMax = Math.min(SMALL_QUARANTINE_BYTES, Math.floor(deps.capBytes * QUARANTINE_PART));
  const documents = openDocuments({ path: paths.documents, quarantine: paths.quarantine, quarantineBytesMax, clock });
  if (documents.degraded !== undefined) degraded("state.sqlite", documentsConsequence(documents.degraded, paths), documents.degraded);
  if (documents.loss !== undefined) findings.push(damaged(documents.loss.file, documents.loss.why, documents.loss.quarantined !== undefined, { salvaged: documents.loss.salvagedKeys.length, letGo: documents.loss.letGo ?? 0 }));
  const forgotten = forgottenCommands(paths);
  const quarantine = new Quarantine(paths.quarantine, quarantineBytesMax);
  const opened = await openJournal({ path: paths.journal, quarantine, wallMs: clock.wallMs(), boot: deps.bootId });
  if (opened.kind === "unusable") degraded("journal.sqlite", "every command is refused, because after a restart it could run a second time", opened.why);
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
  if (code === "storage.unavailable") return `its readable part is used, and changes are kept in ${basename(documentFilePath(documents))}`;
  return "its readable part is used, and every change is refused until the disk is writable again";
}

/**
 * Reports that the marks beside the journal are missing or unreadable although there was an earlier start. Without marks,
 * commands cut off the journal go unnoticed. The outbox file proves the earlier start: it is created after the journal is
 * opened.
 */
function forgottenCommands({ journal, outbox }: Paths): StorageFinding | undefined {
  const { kind } = readMark(`${journal}.marks`);
  if (kind === "found" || !existsSync(outbox)) return undefined;
  const state = kind === "absent" ? "are missing" : "cannot be read";
  const message = `the marks beside journal.sqlite ${state}${existsSync(journal) ? "" : ", and the journal is missing"}: commands that it does not know could run a second time`;
  return { code: "storage.quarantined", message, evidence: { file: "journal.sqlite.marks", why: "storage.corrupt" } };
}

function damaged(file: string, why: Issue, setAside: boolean, evidence: Readonly<Record<string, number>>): StorageFinding {
  return { code: "storage.quarantined", message: `${file} was damaged${setAside ? " and set aside" : ""}: ${why.message}`, evidence: { file, why: why.code, ...evidence } };
}
