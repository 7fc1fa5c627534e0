import { closeSync, fdatasync, fdatasyncSync, openSync, statSync } from "node:fs";
import type Database from "better-sqlite3";

/** Syncs faster than this run in place; handing them to another thread would take as long. */
const QUICK_SYNC_NS = 1_000_000n;
/** The same limit for a sync on another thread, handover included. */
const QUICK_SYNC_THERE_NS = 1_500_000n;
/** After a slow sync, syncs move to another thread until this many in a row were fast there... */
const QUICK_SYNCS = 8;
/** ...or this many ran there: under load every result comes back late, however fast the disk is. */
const SLOW_SYNCS = 256;
const FRAME_HEADER_BYTES = 24;

/**
 * An open database in WAL mode, owned by this process, whose commits are made durable by `sync`.
 *
 * SQLite runs with `synchronous=NORMAL`: a commit writes its frames to the WAL without waiting for the disk. `sync` then
 * does the `fdatasync` of the WAL that `synchronous=FULL` would have done in the commit. The guarantee is the same, but a
 * slow card does not block the agent, and one sync can serve several commits.
 */
export class SqliteFile {
  readonly database: Database.Database;
  readonly path: string;
  readonly pageBytes: number;
  readonly #pageCount: Database.Statement;
  readonly #freePages: Database.Statement;
  #walFd: number | undefined;
  /** Number of syncs still to run on another thread; 0: in place. */
  #slowSyncsLeft = 0;
  #quickInARow = 0;

  constructor(database: Database.Database, path: string) {
    this.database = database;
    this.path = path;
    this.#pageCount = database.prepare("PRAGMA page_count").pluck();
    this.#freePages = database.prepare("PRAGMA freelist_count").pluck();
    this.pageBytes = database.pragma("page_size", { simple: true }) as number;
  }

  /** Waits until every commit so far is on disk. Rejects with the system error. */
  async sync(): Promise<void> {
    const fd = (this.#walFd ??= openSync(`${this.path}-wal`, "r+"));
    // The real clock, whichever clock the agent uses: this measures the real disk.
    const start = process.hrtime.bigint();
    if (this.#slowSyncsLeft === 0) {
      fdatasyncSync(fd);
      if (process.hrtime.bigint() - start > QUICK_SYNC_NS) this.#slowSyncsLeft = SLOW_SYNCS;
      this.#quickInARow = 0;
      return;
    }
    this.#slowSyncsLeft -= 1;
    await new Promise<void>((resolve, reject) => {
      fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
    });
    this.#quickInARow = process.hrtime.bigint() - start > QUICK_SYNC_THERE_NS ? 0 : this.#quickInARow + 1;
    if (this.#quickInARow === QUICK_SYNCS) this.#slowSyncsLeft = 0;
  }

  /** Copies the WAL into the database file, synced, and restarts the WAL; `truncate` also empties its file. */
  checkpoint(truncate: boolean): void {
    this.database.pragma(`wal_checkpoint(${truncate ? "TRUNCATE" : "RESTART"})`);
  }

  /** Bytes of one WAL frame: a page and its header. */
  get frameBytes(): number {
    return this.pageBytes + FRAME_HEADER_BYTES;
  }

  /** Bytes of the database file and its WAL. */
  bytes(): number {
    return fileBytes(this.path) + fileBytes(`${this.path}-wal`);
  }

  pageCount(): number {
    return this.#pageCount.get() as number;
  }

  freePages(): number {
    return this.#freePages.get() as number;
  }

  /** Closes the database with a final checkpoint that removes the WAL if the disk allows it. Throws SQLite's errors. */
  close(): void {
    if (this.#walFd !== undefined) closeSync(this.#walFd);
    this.#walFd = undefined;
    this.database.close();
  }
}

export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
