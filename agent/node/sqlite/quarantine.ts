import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { syncFolderNow } from "../../../platform/node/durable-file.ts";
import { fileBytes } from "./sqlite-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** Suffixes of the files of one database. */
const PARTS = ["", "-wal", "-shm", "-journal"] as const;
const FILES_MAX = 8;

/**
 * Folder for damaged files, kept for later analysis. It matters less than anything that still works: it has its own limit
 * and is deleted first when space is needed.
 */
export class Quarantine {
  readonly folder: string;
  readonly bytesMax: number;
  #letGo = 0;

  constructor(folder: string, bytesMax: number) {
    this.folder = folder;
    this.bytesMax = bytesMax;
  }

  /**
   * Moves a database and its companion files here. Returns the database's new path, or `undefined`, with nothing changed,
   * when the folder cannot be written.
   */
  moveAside(path: string, wallMs: number): string | undefined {
    const stamp = new Date(wallMs).toISOString().replaceAll(/[:.]/g, "-");
    try {
      // A file in place of the folder is damage too, and must not keep the device from using its disk.
      if (statSync(this.folder, { throwIfNoEntry: false })?.isFile() === true) rmSync(this.folder);
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      for (let n = 1; ; n += 1) {
        const target = join(this.folder, `${basename(path)}.${stamp}.${n}`);
        if (PARTS.some((part) => exists(target + part))) continue;
        // Companions first: after a crash in between, a database without its WAL would look intact without its end.
        for (const part of PARTS.toReversed()) if (exists(path + part)) renameSync(path + part, target + part);
        syncFolderNow(this.folder);
        syncFolderNow(dirname(path));
        return target;
      }
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      return undefined;
    }
  }

  /** Number of files deleted so far for lack of space. */
  get letGo(): number {
    return this.#letGo;
  }

  /** Total bytes of the kept files. */
  bytes(): number {
    return this.#files().reduce((sum, file) => sum + file.bytes, 0);
  }

  /**
   * Deletes the oldest files beyond the limits on number and bytes; `bytesMax` may be lower than the folder's own. Returns
   * the remaining bytes.
   */
  trim(bytesMax: number = this.bytesMax): number {
    const limit = Math.min(bytesMax, this.bytesMax);
    const files = this.#files().sort((a, b) => a.changedMs - b.changedMs);
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    while (files.length > 0 && (files.length > FILES_MAX * PARTS.length || bytes > limit)) {
      const file = files.shift();
      if (file === undefined) break;
      try {
        rmSync(file.path, { force: true, recursive: true });
        bytes -= file.bytes;
        this.#letGo += 1;
      } catch (thrown) {
        // An unwritable folder keeps its files; nothing grows because of it.
        storageIssueOrThrow(thrown);
      }
    }
    return bytes;
  }

  #files(): { readonly path: string; readonly bytes: number; readonly changedMs: number }[] {
    if (!exists(this.folder)) return [];
    try {
      return readdirSync(this.folder).map((name) => {
        const path = join(this.folder, name);
        return { path, bytes: fileBytes(path), changedMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
      });
    } catch (thrown) {
      // An unreadable folder cannot be counted.
      storageIssueOrThrow(thrown);
      return [];
    }
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
