import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DocumentStore } from "../../core/storage/document-store.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { DocumentMarks } from "./document-marks.ts";
import { FileDocumentStore, readDocumentFile, removeDocumentFile, type DocumentTexts } from "./file-document-store.ts";
import { openDatabase } from "./open-database.ts";
import { PageScan } from "./page-scan.ts";
import { Quarantine } from "./quarantine.ts";
import { rowChecksum } from "./row-checksum.ts";
import { fileBytes, type SqliteFile } from "./sqlite-file.ts";
import { DOCUMENT_SCHEMA, SqliteDocumentStore } from "./sqlite-document-store.ts";
import { StandInDocumentStore } from "./stand-in-document-store.ts";
import { storageIssueOf, storageIssueOrThrow, type StorageIssue } from "./storage-issue.ts";

export interface DocumentsFileOptions {
  readonly path: string;
  readonly quarantine: string;
  /** Limit on damaged files kept in the quarantine, in bytes. */
  readonly quarantineBytesMax: number;
  readonly clock: Clock;
}

export interface DocumentsOpening {
  readonly store: DocumentStore & { close?(): Promise<void> };
  /**
   * Why the database cannot be used. With `storage.unavailable` changes go to a separate file; with any other code stored
   * documents can be read, and writes are refused for now.
   */
  readonly degraded?: StorageIssue;
  /** A damaged file that was replaced. `letGo`: older damaged files deleted to make room for it. */
  readonly loss?: { readonly file: string; readonly why: Issue; readonly quarantined?: string; readonly salvagedKeys: readonly string[]; readonly letGo?: number };
}

/** Opens the documents whatever state their file is in; see `sqliteOutboxOpener`. */
export function openDocuments(options: DocumentsFileOptions): DocumentsOpening {
  const loss = setAsideDamagedFile(options);
  const opening = openAny(options);
  return loss === undefined || opening.loss !== undefined ? opening : { ...opening, loss };
}

function openAny(options: DocumentsFileOptions): DocumentsOpening {
  const opened = openFile(options);
  switch (opened.kind) {
    case "open":
      return { store: opened.store, ...(opened.loss && { loss: opened.loss }) };
    case "damaged":
      return replace(options, opened.why);
    case "unusable":
      if (opened.why.code !== "storage.unavailable") return standIn(options, opened.why);
      return { store: new FileDocumentStore(documentFilePath(options.path), readableTexts(options.path)), degraded: opened.why };
  }
}

/** File for changes made while SQLite cannot be loaded. */
export function documentFilePath(path: string): string {
  return `${path.replace(/\.sqlite$/, "")}.fallback.json`;
}

/** Documents readable without SQLite: those on the database's pages, overridden by earlier changes made without SQLite. */
function readableTexts(path: string): DocumentTexts {
  const kept = readDocumentFile(documentFilePath(path));
  const stored = [...salvageDocuments(path)].map(([key, { value }]) => [key, value] as const);
  return new Map([...stored, ...(kept instanceof Map ? kept : [])]);
}

function setAsideDamagedFile({ path, quarantine, quarantineBytesMax, clock }: DocumentsFileOptions): DocumentsOpening["loss"] {
  const file = documentFilePath(path);
  if (readDocumentFile(file) !== "damaged") return undefined;
  const aside = new Quarantine(quarantine, quarantineBytesMax).moveAside(file, clock.wallMs());
  const why: Issue = { code: "storage.corrupt", message: "changes made while SQLite could not be loaded are unreadable" };
  return { file: basename(file), why, salvagedKeys: [], ...(aside !== undefined && { quarantined: join(basename(quarantine), basename(aside)) }) };
}

type Opened =
  | { readonly kind: "open"; readonly store: SqliteDocumentStore; readonly loss?: DocumentsOpening["loss"] }
  | { readonly kind: "damaged"; readonly why: Issue }
  | { readonly kind: "unusable"; readonly why: StorageIssue };

function openFile({ path }: DocumentsFileOptions): Opened {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const marked = DocumentMarks.read(path);
    // Read before the database is opened, which changes its WAL.
    const onPages = marked === undefined ? undefined : salvageDocuments(path);
    const opened = openDatabase(path, DOCUMENT_SCHEMA);
    if (opened.kind !== "open") return opened;
    const { file } = opened;
    const damaged = firstDamaged(file.database.prepare("SELECT name, version, crc, value FROM document").raw().iterate() as Iterable<DocumentRow>);
    if (damaged === undefined) {
      const loss = onPages === undefined ? undefined : missedSince(file, path, marked ?? 0, onPages);
      return { kind: "open", store: storeOn(file, marked ?? 0), ...(loss && { loss }) };
    }
    file.close();
    return { kind: "damaged", why: { code: "storage.corrupt", message: `document ${damaged} does not match its checksum` } };
  } catch (thrown) {
    const why = storageIssueOrThrow(thrown);
    return why.code === "storage.corrupt" ? { kind: "damaged", why } : { kind: "unusable", why };
  }
}

/** Creates the store on an open file; versions continue above all that were ever assigned. */
function storeOn(file: SqliteFile, marked: number): SqliteDocumentStore {
  takeOverFile(file, marked);
  const newest = Math.max(marked, newestVersion(file));
  return new SqliteDocumentStore(file, newest, DocumentMarks.open(file.path, newest));
}

/** Imports changes made while SQLite could not be loaded; they are newer than anything in the database. */
function takeOverFile(file: SqliteFile, marked: number): void {
  const path = documentFilePath(file.path);
  const texts = readDocumentFile(path);
  if (!(texts instanceof Map)) return;
  const before = Math.max(marked, newestVersion(file));
  putRows(file, [...texts].map(([name, value], at) => ({ name, version: before + 1 + at, value })));
  removeDocumentFile(path);
}

interface Row {
  readonly name: string;
  readonly version: number;
  readonly value: string;
}

/** Writes all rows or none, durably and into the database file itself. */
function putRows(file: SqliteFile, rows: readonly Row[]): void {
  const put = file.database.prepare(
    "INSERT INTO document (name, version, crc, value) VALUES (?, ?, ?, ?) " +
      "ON CONFLICT (name) DO UPDATE SET version = excluded.version, crc = excluded.crc, value = excluded.value",
  );
  file.database.transaction(() => {
    for (const { name, version, value } of rows) put.run(name, version, rowChecksum("document", [name, version], value), value);
  })();
  file.checkpoint(true);
}

function newestVersion({ database }: SqliteFile): number {
  return (database.prepare("SELECT max(version) FROM document").pluck().get() as number | null) ?? 0;
}

/**
 * Handles marks that are ahead of the database: the end of its WAL is missing, or SQLite ignored it because of damage
 * before it. Rows behind the damage are recovered.
 */
function missedSince(file: SqliteFile, path: string, marked: number, onPages: ReturnType<typeof salvageDocuments>): DocumentsOpening["loss"] {
  const newest = newestVersion(file);
  if (marked <= newest) return undefined;
  const later = [...onPages].filter(([, { version }]) => version > newest);
  putRows(file, later.map(([name, { version, value }]) => ({ name, version, value })));
  const message = `the last ${marked - newest} writes to the documents are missing; ${later.length} documents could be recovered`;
  return { file: `${basename(path)}-wal`, why: { code: "storage.corrupt", message }, salvagedKeys: later.map(([name]) => name) };
}

/** A store that reads existing documents without writing a byte, and refuses writes until the disk accepts them. */
function standIn(options: DocumentsFileOptions, why: StorageIssue, loss?: DocumentsOpening["loss"]): DocumentsOpening {
  const texts = readableTexts(options.path);
  const reopen = (): DocumentsOpening["store"] | undefined => {
    const opening = openDocuments(options);
    return opening.degraded === undefined ? opening.store : undefined;
  };
  const store = new StandInDocumentStore({ texts, why, reopen, clock: options.clock });
  return { store, degraded: why, ...(loss === undefined ? {} : { loss }) };
}

function replace(options: DocumentsFileOptions, why: Issue): DocumentsOpening {
  const quarantine = new Quarantine(options.quarantine, options.quarantineBytesMax);
  const aside = quarantine.moveAside(options.path, options.clock.wallMs());
  if (aside === undefined) return standIn(options, { code: "storage.read-only", message: "a damaged file cannot be moved aside" });
  const salvaged = salvageDocuments(aside);
  const opened = openDatabase(options.path, DOCUMENT_SCHEMA);
  const loss = (): NonNullable<DocumentsOpening["loss"]> => {
    quarantine.trim();
    const quarantined = fileBytes(aside) > 0 ? { quarantined: join(basename(options.quarantine), basename(aside)) } : {};
    return { file: basename(options.path), why, salvagedKeys: [...salvaged.keys()], letGo: quarantine.letGo, ...quarantined };
  };
  if (opened.kind !== "open") return standIn(options, { code: "storage.io", message: opened.why.message }, loss());
  try {
    putRows(opened.file, [...salvaged].map(([name, { version, value }]) => ({ name, version, value })));
    return { store: storeOn(opened.file, DocumentMarks.read(options.path) ?? 0), loss: loss() };
  } catch (thrown) {
    return standIn(options, storageIssueOrThrow(thrown), loss());
  }
}

/** The latest readable version of each document; a deleted one stays deleted. */
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
    // Unreadable pages yield nothing.
    if (storageIssueOf(thrown) === undefined) throw thrown;
  } finally {
    scan?.close();
  }
  return found;
}

type DocumentRow = [name: string, version: number, crc: number, value: string];

function firstDamaged(rows: Iterable<DocumentRow>): string | undefined {
  for (const [name, version, crc, value] of rows) {
    if (crc !== rowChecksum("document", [name, version], value)) return String(name).slice(0, 64);
  }
  return undefined;
}
