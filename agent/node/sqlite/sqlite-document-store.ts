import { storageFailure, type DocumentStore, type StorageIssue } from "../../core/storage/document-store.ts";
import { documentText } from "../../core/storage/document-text.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import type { DatabaseSchema } from "./open-database.ts";
import type { DocumentMarks } from "./document-marks.ts";
import { rowChecksum } from "./row-checksum.ts";
import type { SqliteFile } from "./sqlite-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** "VtDo". A deleted document keeps its row without a value, so that a salvage does not bring an older value back. */
export const DOCUMENT_SCHEMA: DatabaseSchema = {
  applicationId: 0x5674446f,
  migrations: [
    `CREATE TABLE document (
       id INTEGER PRIMARY KEY,
       name TEXT NOT NULL UNIQUE,
       version INTEGER NOT NULL,
       crc INTEGER NOT NULL,
       value TEXT NOT NULL
     );`,
  ],
};

/** WAL length that triggers a checkpoint; a few documents of maximum size. */
const WAL_BYTES_MAX = 1024 * 1024;

/** Documents in one SQLite file. They are few and small, and are read from the file each time rather than held in memory. */
export class SqliteDocumentStore implements DocumentStore {
  readonly #file: SqliteFile;
  readonly #sql;
  #version: number;
  readonly #marks: DocumentMarks | undefined;
  #closed = false;
  readonly #writes = new OneAtATime();

  /** `newest`: highest version ever assigned, also to deleted documents. */
  constructor(file: SqliteFile, newest: number, marks: DocumentMarks | undefined) {
    const { database } = file;
    this.#file = file;
    this.#version = newest;
    this.#marks = marks;
    this.#sql = {
      get: database.prepare("SELECT version, crc, value FROM document WHERE name = ?").raw(),
      put: database.prepare(
        "INSERT INTO document (name, version, crc, value) VALUES (?, ?, ?, ?) " +
          "ON CONFLICT (name) DO UPDATE SET version = excluded.version, crc = excluded.crc, value = excluded.value",
      ),
      remove: database.prepare("DELETE FROM document WHERE name = ?"),
      wal: database.prepare("PRAGMA wal_checkpoint(NOOP)"),
    };
  }

  async get(key: string): Promise<Result<JsonObject | undefined, StorageIssue>> {
    try {
      const row = this.#row(key);
      if (row === undefined || row.value === "") return ok(undefined);
      const value = row.intact ? parseJson(row.value) : undefined;
      return isJsonObject(value) ? ok(value) : storageFailure("storage.corrupt", `document ${key} does not match its checksum`);
    } catch (thrown) {
      return { ok: false, error: storageIssueOrThrow(thrown) };
    }
  }

  /** Serialises writes: each waits for its own sync, so an earlier value never overwrites a later one. */
  async put(values: Readonly<Record<string, JsonObject | null>>): Promise<Result<void, StorageIssue>> {
    const texts = Object.entries(values).map(([key, value]) => ({ key, text: value === null ? "" : documentText(key, value) }));
    return this.#writes.run(() => this.#put(texts));
  }

  async close(): Promise<void> {
    await this.#writes.settled();
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#marks?.close();
      this.#file.close();
    } catch (thrown) {
      // The checkpoint failed; the WAL stays and is read at the next start.
      storageIssueOrThrow(thrown);
    }
  }

  async #put(texts: readonly { readonly key: string; readonly text: string }[]): Promise<Result<void, StorageIssue>> {
    if (this.#closed) return storageFailure("storage.io", "the document store is closed");
    let before: readonly { readonly key: string; readonly row: { readonly value: string } | undefined }[];
    try {
      before = texts.map(({ key }) => ({ key, row: this.#row(key) }));
      this.#write(texts);
    } catch (thrown) {
      return { ok: false, error: storageIssueOrThrow(thrown) };
    }
    try {
      await this.#file.sync();
    } catch (thrown) {
      const error = storageIssueOrThrow(thrown);
      if (!this.#rewritten()) {
        this.#takeBack(before);
        return { ok: false, error };
      }
    }
    this.#marks?.note(this.#version);
    this.#checkpointWhenLong();
    return ok(undefined);
  }

  #write(texts: readonly { readonly key: string; readonly text: string }[]): void {
    this.#file.database.transaction(() => {
      for (const { key, text } of texts) {
        this.#version += 1;
        this.#sql.put.run(key, this.#version, rowChecksum("document", [key, this.#version], text), text);
      }
    })();
  }

  /** After a failed sync another would prove nothing, so a checkpoint writes everything again, to the database file. */
  #rewritten(): boolean {
    try {
      this.#file.checkpoint(true);
      return true;
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      return false;
    }
  }

  #takeBack(before: readonly { readonly key: string; readonly row: { readonly value: string } | undefined }[]): void {
    try {
      this.#write(before.flatMap(({ key, row }) => (row === undefined ? [] : { key, text: row.value })));
      for (const { key, row } of before) if (row === undefined) this.#sql.remove.run(key);
    } catch (thrown) {
      // The disk accepts no writes; the caller gets the first error.
      storageIssueOrThrow(thrown);
    }
  }

  #checkpointWhenLong(): void {
    const { log, checkpointed } = this.#sql.wal.get() as { readonly log: number; readonly checkpointed: number };
    if (log === checkpointed || log * this.#file.frameBytes < WAL_BYTES_MAX) return;
    try {
      this.#file.checkpoint(false);
    } catch (thrown) {
      // The documents are safe in the WAL; the next write tries again.
      storageIssueOrThrow(thrown);
    }
  }

  #row(key: string): { readonly value: string; readonly intact: boolean } | undefined {
    const row = this.#sql.get.get(key) as [number, number, string] | undefined;
    if (row === undefined) return undefined;
    const [version, crc, value] = row;
    return { value, intact: crc === rowChecksum("document", [key, version], value) };
  }
}
