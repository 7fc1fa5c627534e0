import { closeSync, fstatSync, ftruncateSync, fdatasyncSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { storageIssueOf, storageIssueOrThrow } from "./storage-issue.ts";

const SLOT_BYTES = 1024;
const SLOTS = 2;
/** Size of a mark file on disk. */
export const MARK_FILE_BYTES = SLOTS * SLOT_BYTES;
const CRC_DIGITS = 8;

/** Result of reading a mark file. `unreadable`: the file exists, but no slot matches its checksum. */
export type MarkReading = { readonly kind: "found"; readonly mark: JsonObject } | { readonly kind: "absent" | "unreadable" };

/**
 * A small value in a file beside a database that says how far the database had come, so that losses in a damaged database
 * are noticed.
 *
 * It is overwritten in place, alternating between two slots, so that a torn write leaves the previous value. A write only
 * reaches the kernel (microseconds, no flash wear): it survives the end of the process, but a power cut only if it was
 * `synced`.
 */
export class MarkFile {
  readonly #path: string;
  readonly #slot = Buffer.alloc(SLOT_BYTES, " ");
  #fd: number | undefined;
  #turn: number;

  /** Opens or creates the file for writing. Throws file system errors. */
  constructor(path: string) {
    this.#path = path;
    const there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) rmSync(path, { recursive: true, force: true });
    this.#turn = newestOf(path)?.turn ?? 0;
    this.#fd = openSync(path, there?.isFile() === true ? "r+" : "w+", 0o600);
    if (fstatSync(this.#fd).size > MARK_FILE_BYTES) ftruncateSync(this.#fd, MARK_FILE_BYTES);
  }

  /** Writes the value; with `synced` it is on disk afterwards. Returns false after an error; the file is then removed. */
  write(mark: JsonObject, synced = false): boolean {
    if (this.#fd === undefined) return false;
    try {
      this.#turn += 1;
      const text = JSON.stringify({ turn: this.#turn, mark });
      this.#slot.fill(" ").write(crc32(text).toString(16).padStart(CRC_DIGITS, "0"), 0, "latin1");
      if (this.#slot.write(text, CRC_DIGITS + 1) < Buffer.byteLength(text)) throw new RangeError(`a mark of ${text.length} characters is too long`);
      writeSync(this.#fd, this.#slot, 0, SLOT_BYTES, (this.#turn % SLOTS) * SLOT_BYTES);
      if (synced) fdatasyncSync(this.#fd);
      return true;
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      this.#giveUp();
      return false;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Removes the file, because a stale mark would pass for a true one. The next start reports that it is missing. */
  #giveUp(): void {
    this.close();
    try {
      rmSync(this.#path, { force: true });
    } catch (thrown) {
      // The file cannot be removed either. The stale mark can only hide a loss, never invent one.
      storageIssueOrThrow(thrown);
    }
  }
}

/** Reads the mark file at `path`; never throws for its contents. */
export function readMark(path: string): MarkReading {
  const found = newestOf(path);
  if (found !== undefined) return { kind: "found", mark: found.mark };
  return { kind: statSync(path, { throwIfNoEntry: false }) === undefined ? "absent" : "unreadable" };
}

function newestOf(path: string): { readonly turn: number; readonly mark: JsonObject } | undefined {
  let newest: { readonly turn: number; readonly mark: JsonObject } | undefined;
  for (const slot of slotsOf(path)) {
    const text = slot.toString("utf8", CRC_DIGITS + 1).trimEnd();
    if (slot.toString("latin1", 0, CRC_DIGITS) !== crc32(text).toString(16).padStart(CRC_DIGITS, "0")) continue;
    const value = parseJson(text);
    if (!isJsonObject(value) || typeof value["turn"] !== "number" || !isJsonObject(value["mark"])) continue;
    if (value["turn"] > (newest?.turn ?? 0)) newest = { turn: value["turn"], mark: value["mark"] };
  }
  return newest;
}

function slotsOf(path: string): readonly Buffer[] {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return [];
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const bytes = Buffer.alloc(MARK_FILE_BYTES);
    const length = readSync(fd, bytes, 0, MARK_FILE_BYTES, 0);
    return Array.from({ length: SLOTS }, (_, n) => bytes.subarray(Math.min(length, n * SLOT_BYTES), Math.min(length, (n + 1) * SLOT_BYTES)));
  } catch (thrown) {
    // An unreadable file has no slots.
    if (storageIssueOf(thrown) === undefined) throw thrown;
    return [];
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
