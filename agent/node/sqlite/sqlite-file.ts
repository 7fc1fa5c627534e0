import { closeSync, fdatasync, fdatasyncSync, openSync, statSync } from "node:fs";
import type Database from "better-sqlite3";

/** Syncs shorter than this are done in place: the way to another thread and back would take as long. */
const QUICK_SYNC_NS = 1_000_000n;
/** The same for a sync in another thread: the way there and back is in it. */
const QUICK_SYNC_THERE_NS = 1_500_000n;
/** After a slow sync they go to another thread, until as many in a row were quick there... */
const QUICK_SYNCS = 8;
/** ...or as many went there: while much is going on, each comes back late, whatever the disk does. */
const SLOW_SYNCS = 256;
const FRAME_HEADER_BYTES = 24;

/**
 * An open database in WAL mode, owned by this process alone, whose commits are made durable by `sync`.
 *
 * SQLite runs with `synchronous=NORMAL`: a commit writes its frames to the WAL and does not wait for the disk.
 * `sync` then does the one `fdatasync` of the WAL that `synchronous=FULL` would have done inside the commit, so the
 * guarantee is the same, but a slow card does not stop the whole agent, and one sync can serve several commits.
 */
export class SqliteFile {
  readonly database: Database.Database;
  readonly path: string;
  readonly pageBytes: number;
  readonly #pageCount: Database.Statement;
  readonly #freePages: Database.Statement;
  #walFd: number | undefined;
  /** Syncs that still go to another thread; 0: in place. */
  #slowSyncsLeft = 0;
  #quickInARow = 0;

  constructor(database: Database.Database, path: string) {
    this.database = database;
    this.path = path;
    this.#pageCount = database.prepare("PRAGMA page_count").pluck();
    this.#freePages = database.prepare("PRAGMA freelist_count").pluck();
    this.pageBytes = database.pragma("page_size", { simple: true }) as number;
  }

  /** Waits until every commit so far is on the disk. Rejects with the system's error. */
  async sync(): Promise<void> {
    const fd = (this.#walFd ??= openSync(`${this.path}-wal`, "r+"));
    // The machine's own clock, whatever clock the agent runs on: it is the real disk that is measured.
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

  /** Moves the WAL's contents into the database file, synced, and starts the WAL over; with `truncate` it is emptied as well. */
  checkpoint(truncate: boolean): void {
    this.database.pragma(`wal_checkpoint(${truncate ? "TRUNCATE" : "RESTART"})`);
  }

  /** Bytes of one page in the WAL. */
  get frameBytes(): number {
    return this.pageBytes + FRAME_HEADER_BYTES;
  }

  /** Bytes of the database and its WAL on the disk. */
  bytes(): number {
    return fileBytes(this.path) + fileBytes(`${this.path}-wal`);
  }

  pageCount(): number {
    return this.#pageCount.get() as number;
  }

  freePages(): number {
    return this.#freePages.get() as number;
  }

  /** Closes it, with a last checkpoint that removes the WAL where the disk lets it. Throws what SQLite throws. */
  close(): void {
    if (this.#walFd !== undefined) closeSync(this.#walFd);
    this.#walFd = undefined;
    this.database.close();
  }
}

export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
