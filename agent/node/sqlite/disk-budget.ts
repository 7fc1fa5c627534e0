import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { MARK_FILE_BYTES } from "./mark-file.ts";
import type { Quarantine } from "./quarantine.ts";
import { fileBytes, type SqliteFile } from "./sqlite-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** WAL length limit: a commit that would exceed it is preceded by a checkpoint. */
const WAL_BYTES_MAX = 1024 * 1024;
/** Limit on a single change, in bytes of WAL frames. A larger one is refused as a bug. */
export const CHANGE_BYTES_MAX = 896 * 1024;
/** Smallest useful cap: a lower one leaves too little beside the WAL and the reserve. */
export const CAP_BYTES_MIN = 4 * 1024 * 1024;
/** Minimum interval between checks whether a full disk has room again. */
const RESERVE_EVERY_MS = 30_000;
/** The same when a record would otherwise be refused. */
const RESERVE_AT_NEED_MS = 1_000;

export interface DiskBudgetOptions {
  readonly file: SqliteFile;
  readonly quarantine: Quarantine;
  /** Limit for the database, its WAL, the reserve and the quarantine together; at least `CAP_BYTES_MIN`. */
  readonly capBytes: number;
  /** A damaged file in the quarantine is being salvaged and must not be deleted before `settle`. */
  readonly salvaging: boolean;
  readonly monotonicMs: () => number;
}

/**
 * Keeps a database and its files under a cap at all times, and working on a full disk.
 *
 * The cap is divided in advance: the WAL may grow to a fixed length (a change that would exceed it waits for a
 * checkpoint), a reserve file takes as much again, and SQLite limits the database to the rest (`max_page_count`), counting
 * pages that a checkpoint will add.
 *
 * On a full disk the reserve is deleted to make room for a checkpoint. After that the WAL is overwritten in place and the
 * database may not grow: dropping rows needs no space, and new rows reuse the pages of dropped ones. When the disk has
 * room again, the reserve is written first.
 */
export class DiskBudget {
  readonly #file: SqliteFile;
  readonly #quarantine: Quarantine;
  readonly #capBytes: number;
  readonly #walBytesMax: number;
  readonly #reservePath: string;
  readonly #monotonicMs: () => number;
  #quarantineBytes = 0;
  /** Time at which the disk was last found full. While set, nothing may grow; writing the reserve clears it. */
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
    // Checkpoint and truncate a WAL left by a crash; it may be longer than this cap allows.
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
   * For a salvage: limits the database to the space the damaged file leaves under the cap, without a reserve, and
   * checkpoints and truncates the WAL. Call after every group of rows.
   */
  besideDamaged(): void {
    this.#file.checkpoint(true);
    this.#quarantineBytes = this.#quarantine.bytes();
    const pages = Math.floor((this.#capBytes - CHANGE_BYTES_MAX - MARK_FILE_BYTES - this.#quarantineBytes) / this.#file.pageBytes);
    this.#file.database.pragma(`max_page_count = ${Math.max(1, pages)}`);
  }

  /** Ends a salvage: the quarantine's limits apply again, and the reserve is rewritten. */
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

  /** File bytes in use, quarantine included. */
  bytes(): number {
    // A salvage shrinks the damaged file.
    if (this.#salvaging) this.#quarantineBytes = this.#quarantine.bytes();
    return this.#file.bytes() + fileBytes(this.#reservePath) + MARK_FILE_BYTES + this.#quarantineBytes;
  }

  get tight(): boolean {
    return this.#tightSinceMs !== undefined;
  }

  /** True when the database exceeds the cap, because the cap was lowered. */
  get over(): boolean {
    return this.#over;
  }

  /** Call after pages were returned to the file system. */
  shrunk(): void {
    if (this.#over) this.#limitPages();
  }

  /**
   * Call before a change that writes about `bytes` to the WAL. Checkpoints if needed; `beforeCheckpoint` may add a small
   * change first.
   */
  prepare(bytes: number, beforeCheckpoint: () => void): void {
    if (bytes > CHANGE_BYTES_MAX) throw new RangeError(`a change of about ${bytes} bytes is over the limit of ${CHANGE_BYTES_MAX}`);
    if (this.#tightSinceMs !== undefined && this.#monotonicMs() - this.#tightSinceMs >= RESERVE_EVERY_MS) this.#relax();
    const usedBytes = this.#walFrames() * this.#file.frameBytes;
    // Below the soft limit any change fits, together with one of `beforeCheckpoint`.
    const softLimit = this.tight ? 0 : this.#walBytesMax - CHANGE_BYTES_MAX - CHECKPOINT_CHANGE_BYTES;
    if (usedBytes <= softLimit) return;
    if (!this.tight) beforeCheckpoint();
    this.#file.checkpoint(false);
  }

  /** Call when a change hit a full disk or the cap. Returns true when space was freed and a retry is worthwhile. */
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

  /** Returns true when the disk has room again and the database may grow. */
  #relax(): boolean {
    this.#tightSinceMs = this.#monotonicMs();
    if (!this.#writeReserve()) return false;
    this.#tightSinceMs = undefined;
    this.#limitPages();
    return true;
  }

  /** Bytes reserved regardless of the database's size. */
  #fixedBytes(): number {
    return 2 * this.#walBytesMax + MARK_FILE_BYTES;
  }

  #pagesMax(): number {
    return Math.floor((this.#capBytes - this.#fixedBytes() - this.#quarantineBytes) / this.#file.pageBytes);
  }

  #limitPages(): void {
    // SQLite accepts no limit below the current size and then keeps that size, which is right while the disk is full.
    const there = this.#file.pageCount();
    this.#over = there > this.#pagesMax();
    const pages = this.tight ? there : this.#pagesMax();
    this.#file.database.pragma(`max_page_count = ${Math.max(1, pages)}`);
  }

  /** Frames before the next commit's; 0 when the WAL starts over. */
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
      // Do not take the last free space from everybody else.
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

/** Path of the reserve file, which is deleted when the disk is full. */
export function reservePath(path: string): string {
  return `${path}.reserve`;
}

/** Space for the change of `beforeCheckpoint`. */
const CHECKPOINT_CHANGE_BYTES = 16 * 1024;

/** Removes whatever is there, a folder included. */
function removeAnything(path: string): void {
  rmSync(path, { force: true, recursive: true });
}
