import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { MARK_FILE_BYTES } from "./mark-file.ts";
import type { Quarantine } from "./quarantine.ts";
import { fileBytes, type SqliteFile } from "./sqlite-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** The WAL is moved into the database when a commit would make it longer than this. */
const WAL_BYTES_MAX = 1024 * 1024;
/** The largest single change, as frames in the WAL. Larger ones are refused as bugs. */
export const CHANGE_BYTES_MAX = 896 * 1024;
/** Below this a cap leaves too little beside the WAL and the reserve to be of use. */
export const CAP_BYTES_MIN = 4 * 1024 * 1024;
/** While the disk is full, it is asked no more often than this whether it still is. */
const RESERVE_EVERY_MS = 30_000;
/** With a record at hand that would be refused for it, it is asked as often as this. */
const RESERVE_AT_NEED_MS = 1_000;

export interface DiskBudgetOptions {
  readonly file: SqliteFile;
  readonly quarantine: Quarantine;
  /** For the database, its WAL, the reserve and the quarantine together; at least `CAP_BYTES_MIN`. */
  readonly capBytes: number;
  /** A damaged file in the quarantine is being read: it must not be deleted before `settle`. */
  readonly salvaging: boolean;
  readonly monotonicMs: () => number;
}

/**
 * Keeps everything a database has on the disk under its cap at every moment, and keeps it able to work on a full disk.
 *
 * The cap is divided before anything is written: the WAL may grow to a fixed length (it is checkpointed before a
 * change that would exceed it), a reserve file holds as much again, and SQLite itself refuses to let the database
 * grow beyond the rest (`max_page_count`), counting the pages that a checkpoint is still to add.
 *
 * On a full disk the reserve is deleted, so that the WAL can be moved into the database; from then on the WAL is
 * written over in place and the database may not grow, so dropping rows needs no room and new rows take the pages of
 * dropped ones. When the disk has room again the reserve is written again first.
 */
export class DiskBudget {
  readonly #file: SqliteFile;
  readonly #quarantine: Quarantine;
  readonly #capBytes: number;
  readonly #walBytesMax: number;
  readonly #reservePath: string;
  readonly #monotonicMs: () => number;
  #quarantineBytes = 0;
  /** The disk is full: nothing may grow until the reserve could be written again. */
  #tightSinceMs: number | undefined;
  readonly #walState;
  #over = false;
  #salvaging: boolean;

  constructor(options: DiskBudgetOptions) {
    this.#file = options.file;
    this.#quarantine = options.quarantine;
    this.#capBytes = Math.max(CAP_BYTES_MIN, options.capBytes);
    this.#walBytesMax = Math.min(WAL_BYTES_MAX, Math.floor(this.#capBytes / 16)) + CHANGE_BYTES_MAX;
    this.#reservePath = reservePath(options.file.path);
    this.#monotonicMs = options.monotonicMs;
    this.#walState = options.file.database.prepare("PRAGMA wal_checkpoint(NOOP)");
    // A WAL left by a crash is moved over and emptied first; its file may be longer than this cap allows.
    options.file.checkpoint(true);
    this.#salvaging = options.salvaging;
    if (options.salvaging) {
      removeAnything(this.#reservePath);
      this.besideDamaged();
      return;
    }
    this.#trimQuarantine();
    if (!this.#writeReserve()) this.#tightSinceMs = this.#monotonicMs();
    this.#limitPages();
  }

  /**
   * For a salvage: lets the database grow as far as the damaged file leaves room beside it, without the reserve, and
   * with the WAL moved over and emptied now. To be called after every group of rows.
   */
  besideDamaged(): void {
    this.#file.checkpoint(true);
    this.#quarantineBytes = this.#quarantine.bytes();
    const pages = Math.floor((this.#capBytes - CHANGE_BYTES_MAX - MARK_FILE_BYTES - this.#quarantineBytes) / this.#file.pageBytes);
    this.#file.database.pragma(`max_page_count = ${Math.max(1, pages)}`);
  }

  /** The salvage is over: the quarantine keeps to its limits again, and the reserve comes back. */
  settle(): void {
    this.#salvaging = false;
    this.#file.checkpoint(true);
    this.#trimQuarantine();
    if (!this.#writeReserve()) this.#tightSinceMs = this.#monotonicMs();
    this.#limitPages();
  }

  get capBytes(): number {
    return this.#capBytes;
  }

  /** Bytes on the disk, as the file system counts them. */
  bytes(): number {
    // Counted anew while a salvage eats the damaged file up.
    if (this.#salvaging) this.#quarantineBytes = this.#quarantine.bytes();
    return this.#file.bytes() + fileBytes(this.#reservePath) + MARK_FILE_BYTES + this.#quarantineBytes;
  }

  get tight(): boolean {
    return this.#tightSinceMs !== undefined;
  }

  /** True when the database is larger than the cap lets it be, because the cap was lowered. */
  get over(): boolean {
    return this.#over;
  }

  /** Pages were given back to the file system. */
  shrunk(): void {
    if (this.#over) this.#limitPages();
  }

  /** To be called before a change that puts about `bytes` into the WAL. `beforeCheckpoint` may add a small change of its own. */
  prepare(bytes: number, beforeCheckpoint: () => void): void {
    if (bytes > CHANGE_BYTES_MAX) throw new RangeError(`a change of about ${bytes} bytes is over the limit of ${CHANGE_BYTES_MAX}`);
    if (this.#tightSinceMs !== undefined && this.#monotonicMs() - this.#tightSinceMs >= RESERVE_EVERY_MS) this.#relax();
    const usedBytes = this.#walFrames() * this.#file.frameBytes;
    // Within the soft limit any change fits, and one of `beforeCheckpoint` with it.
    const softLimit = this.tight ? 0 : this.#walBytesMax - CHANGE_BYTES_MAX - CHECKPOINT_CHANGE_BYTES;
    if (usedBytes <= softLimit) return;
    if (!this.tight) beforeCheckpoint();
    this.#file.checkpoint(false);
  }

  /** A change met a full disk or the cap. True: something was given up for it, and it is worth another try. */
  makeRoom(): boolean {
    if (this.#quarantineBytes > 0 && !this.#salvaging) {
      const before = this.#quarantineBytes;
      this.#quarantineBytes = this.#quarantine.trim(0);
      this.#limitPages();
      if (this.#quarantineBytes < before) return true;
    }
    if (this.#tightSinceMs !== undefined) return this.#monotonicMs() - this.#tightSinceMs >= RESERVE_AT_NEED_MS && this.#relax();
    if (!this.#diskIsFull()) return false;
    this.#tightSinceMs = this.#monotonicMs();
    removeAnything(this.#reservePath);
    this.#limitPages();
    this.#file.checkpoint(false);
    return true;
  }

  #trimQuarantine(): void {
    const databaseBytes = this.#file.pageCount() * this.#file.pageBytes;
    this.#quarantineBytes = this.#quarantine.trim(Math.max(0, this.#capBytes - this.#fixedBytes() - databaseBytes));
  }

  /** True: the disk has room again, and the database may grow. */
  #relax(): boolean {
    this.#tightSinceMs = this.#monotonicMs();
    if (!this.#writeReserve()) return false;
    this.#tightSinceMs = undefined;
    this.#limitPages();
    return true;
  }

  /** Bytes that are set apart whatever the database holds. */
  #fixedBytes(): number {
    return 2 * this.#walBytesMax + MARK_FILE_BYTES;
  }

  #pagesMax(): number {
    return Math.floor((this.#capBytes - this.#fixedBytes() - this.#quarantineBytes) / this.#file.pageBytes);
  }

  #limitPages(): void {
    // SQLite takes no limit below what there is; then it stays there, which is the point while the disk is full.
    const there = this.#file.pageCount();
    this.#over = there > this.#pagesMax();
    const pages = this.tight ? there : this.#pagesMax();
    this.#file.database.pragma(`max_page_count = ${Math.max(1, pages)}`);
  }

  /** Frames that the next commit will be appended to; 0 when the WAL starts over. */
  #walFrames(): number {
    const { log, checkpointed } = this.#walState.get() as { readonly log: number; readonly checkpointed: number };
    return log <= 0 || log === checkpointed ? 0 : log;
  }

  #diskIsFull(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#file.path));
    return bavail * bsize < this.#walBytesMax;
  }

  #writeReserve(): boolean {
    if (fileBytes(this.#reservePath) === this.#walBytesMax) return true;
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#file.path));
      // Taking the very last room would make the disk full for everybody.
      if (bavail * bsize < 2 * this.#walBytesMax) return false;
      if (statSync(this.#reservePath, { throwIfNoEntry: false })?.isFile() === false) removeAnything(this.#reservePath);
      const fd = openSync(this.#reservePath, "w", 0o600);
      try {
        const zeros = new Uint8Array(64 * 1024);
        for (let left = this.#walBytesMax; left > 0; ) left -= writeSync(fd, zeros, 0, Math.min(left, zeros.length));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      return true;
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      removeAnything(this.#reservePath);
      return false;
    }
  }
}

/** The file that is deleted when the disk is full. */
export function reservePath(path: string): string {
  return `${path}.reserve`;
}

/** Room for what `beforeCheckpoint` writes. */
const CHECKPOINT_CHANGE_BYTES = 16 * 1024;

/** A folder in the place of the reserve is no reason to leave the disk. */
function removeAnything(path: string): void {
  rmSync(path, { force: true, recursive: true });
}
