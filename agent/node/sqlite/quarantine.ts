import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { syncFolderNow } from "../../../platform/node/durable-file.ts";
import { fileBytes } from "./sqlite-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** Files that belong to one database. */
const PARTS = ["", "-wal", "-shm", "-journal"] as const;
const FILES_MAX = 8;

/**
 * The folder damaged files are moved to, for whoever wants to know what happened. It is worth less than anything
 * that still works: it has a limit of its own, and it goes first when room is needed.
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
   * Moves a database and its companions aside. Returns the new path of the database, or `undefined` when it could not
   * be moved (the folder cannot be written): then nothing was changed.
   */
  moveAside(path: string, wallMs: number): string | undefined {
    const stamp = new Date(wallMs).toISOString().replaceAll(/[:.]/g, "-");
    try {
      // A file in the place of the folder is damage as well, and must not keep a device from its disk.
      if (statSync(this.folder, { throwIfNoEntry: false })?.isFile() === true) rmSync(this.folder);
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      for (let n = 1; ; n += 1) {
        const target = join(this.folder, `${basename(path)}.${stamp}.${n}`);
        if (PARTS.some((part) => exists(target + part))) continue;
        // The companions go first: a database that lost its WAL to a crash in between would look whole without its end.
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

  /** Files deleted so far because there was no room for them. */
  get letGo(): number {
    return this.#letGo;
  }

  /** Bytes of all files kept. */
  bytes(): number {
    return this.#files().reduce((sum, file) => sum + file.bytes, 0);
  }

  /** Deletes the oldest files beyond the limits of number and bytes; `bytesMax` may be lower than the folder's own. Returns the bytes left. */
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
        // A folder that cannot be written keeps what it has; nothing of ours gets larger by it.
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
      // Unreadable: whatever is in it cannot be counted either.
      storageIssueOrThrow(thrown);
      return [];
    }
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
