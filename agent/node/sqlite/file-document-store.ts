import { readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { DocumentStore, StorageIssue } from "../../core/storage/document-store.ts";
import { documentText } from "../../core/storage/document-text.ts";
import { syncFolderNow, writeDurably } from "../../../platform/node/durable-file.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import { rowChecksum } from "./row-checksum.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** Document texts by key; an empty text marks a deleted document. */
export type DocumentTexts = ReadonlyMap<string, string>;

/**
 * Documents in one file that is rewritten with every change; used when SQLite cannot be loaded. It keeps the store's
 * guarantees (durable when `put` resolves, all keys or none), so claims, restart budgets and network changes on trial work
 * as usual. The contents move to the database as soon as that opens again (see `openDocuments`).
 */
export class FileDocumentStore implements DocumentStore {
  readonly #path: string;
  #texts: DocumentTexts;
  readonly #writes = new OneAtATime();

  /** `texts`: the initial contents; the file itself is written with the first change. */
  constructor(path: string, texts: DocumentTexts) {
    this.#path = path;
    this.#texts = texts;
  }

  get(key: string): Promise<Result<JsonObject | undefined, StorageIssue>> {
    const value = parseJson(this.#texts.get(key) ?? "");
    return Promise.resolve(ok(isJsonObject(value) ? value : undefined));
  }

  async put(values: Readonly<Record<string, JsonObject | null>>): Promise<Result<void, StorageIssue>> {
    const changed = Object.entries(values).map(([key, value]) => [key, value === null ? "" : documentText(key, value)] as const);
    return this.#writes.run(() => this.#put(changed));
  }

  async #put(changed: readonly (readonly [string, string])[]): Promise<Result<void, StorageIssue>> {
    const texts = new Map([...this.#texts, ...changed]);
    try {
      await writeDurably(this.#path, fileText(texts));
    } catch (thrown) {
      return { ok: false, error: storageIssueOrThrow(thrown) };
    }
    this.#texts = texts;
    return ok(undefined);
  }
}

/** Reads the file of a `FileDocumentStore`. `undefined`: no file; `damaged`: it cannot be trusted. */
export function readDocumentFile(path: string): Map<string, string> | "damaged" | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    storageIssueOrThrow(thrown);
    return "damaged";
  }
  const file = parseJson(text);
  if (!isJsonObject(file) || !isJsonObject(file["documents"])) return "damaged";
  const entries = Object.entries(file["documents"]).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const texts = new Map(entries);
  return file["crc"] === checksum(texts) ? texts : "damaged";
}

/** Deletes the file durably. */
export function removeDocumentFile(path: string): void {
  rmSync(path, { force: true, recursive: true });
  syncFolderNow(dirname(path));
}

function fileText(texts: DocumentTexts): string {
  return `${JSON.stringify({ crc: checksum(texts), documents: Object.fromEntries(texts) })}\n`;
}

function checksum(texts: DocumentTexts): number {
  return rowChecksum("document-file", [], JSON.stringify([...texts].sort(([a], [b]) => (a < b ? -1 : 1))));
}
