import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DocumentStore } from "../../core/storage/document-store.ts";
import { MemoryDocumentStore } from "../../core/storage/memory-document-store.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { openDatabase } from "./open-database.ts";
import { PageScan } from "./page-scan.ts";
import { Quarantine } from "./quarantine.ts";
import { rowChecksum } from "./row-checksum.ts";
import { fileBytes } from "./sqlite-file.ts";
import { DOCUMENT_SCHEMA, SqliteDocumentStore } from "./sqlite-document-store.ts";
import { storageIssueOf, storageIssueOrThrow } from "./storage-issue.ts";

export interface DocumentsFileOptions {
  readonly path: string;
  readonly quarantine: string;
  /** Bytes of damaged files kept in the quarantine at the most. */
  readonly quarantineBytesMax: number;
  readonly clock: Clock;
}

export interface DocumentsOpening {
  readonly store: DocumentStore & { close?(): Promise<void> };
  /** Present: documents are kept in memory only, and why. */
  readonly degraded?: Issue;
  /** A file that could not be used as it was. */
  readonly loss?: { readonly file: string; readonly why: Issue; readonly quarantined?: string; readonly salvagedKeys: readonly string[] };
}

/** Opens the documents whatever state their file is in; see `sqliteOutboxOpener`. */
export function openDocuments(options: DocumentsFileOptions): DocumentsOpening {
  try {
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
    const opened = openDatabase(options.path, DOCUMENT_SCHEMA);
    if (opened.kind === "unusable") return { store: new MemoryDocumentStore(), degraded: opened.why };
    if (opened.kind === "damaged") return replace(options, opened.why);
    const damaged = firstDamaged(opened.file.database.prepare("SELECT name, version, crc, value FROM document").raw().iterate() as Iterable<[string, number, number, string]>);
    if (damaged === undefined) return { store: new SqliteDocumentStore(opened.file) };
    opened.file.close();
    return replace(options, { code: "storage.corrupt", message: `document ${damaged.slice(0, 64)} does not match its checksum` });
  } catch (thrown) {
    const issue = storageIssueOrThrow(thrown);
    return issue.code === "storage.corrupt" ? replace(options, issue) : { store: new MemoryDocumentStore(), degraded: issue };
  }
}

function replace(options: DocumentsFileOptions, why: Issue): DocumentsOpening {
  const quarantine = new Quarantine(options.quarantine, options.quarantineBytesMax);
  const aside = quarantine.moveAside(options.path, options.clock.wallMs());
  if (aside === undefined) return { store: new MemoryDocumentStore(), degraded: { code: "storage.read-only", message: "a damaged file cannot be moved aside" } };
  const salvaged = salvageDocuments(aside);
  quarantine.trim();
  const quarantined = fileBytes(aside) > 0 ? { quarantined: join(basename(options.quarantine), basename(aside)) } : {};
  const loss = { file: basename(options.path), why, salvagedKeys: [...salvaged.keys()], ...quarantined };
  const opened = openDatabase(options.path, DOCUMENT_SCHEMA);
  if (opened.kind !== "open") return { store: new MemoryDocumentStore(), degraded: opened.why, loss };
  try {
    const insert = opened.file.database.prepare("INSERT INTO document (name, version, crc, value) VALUES (?, ?, ?, ?)");
    opened.file.database.transaction(() => {
      for (const [name, { version, value }] of salvaged) insert.run(name, version, rowChecksum("document", [name, version], value), value);
    })();
    opened.file.checkpoint(true);
    return { store: new SqliteDocumentStore(opened.file), loss };
  } catch (thrown) {
    return { store: new MemoryDocumentStore(), degraded: storageIssueOrThrow(thrown), loss };
  }
}

/** The latest readable version of each document; one that was deleted stays deleted. */
export function salvageDocuments(path: string): Map<string, { readonly version: number; readonly value: string }> {
  const found = new Map<string, { readonly version: number; readonly value: string }>();
  let scan: PageScan | undefined;
  try {
    scan = new PageScan(path);
    for (const { values } of scan.rows()) {
      const [, name, version, crc, value] = values;
      if (values.length !== 5 || typeof name !== "string" || typeof version !== "number" || typeof value !== "string") continue;
      if (crc !== rowChecksum("document", [name, version], value)) continue;
      if ((found.get(name)?.version ?? 0) < version) found.set(name, { version, value });
    }
  } catch (thrown) {
    // Pages that cannot even be read give nothing.
    if (storageIssueOf(thrown) === undefined) throw thrown;
  } finally {
    scan?.close();
  }
  return found;
}

function firstDamaged(rows: Iterable<[string, number, number, string]>): string | undefined {
  for (const [name, version, crc, value] of rows) if (crc !== rowChecksum("document", [name, version], value)) return name;
  return undefined;
}
