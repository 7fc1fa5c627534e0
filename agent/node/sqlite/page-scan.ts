import { closeSync, openSync, readSync, rmSync, statSync, truncateSync } from "node:fs";
import { PAGE_BYTES } from "./open-database.ts";
import { fileBytes } from "./sqlite-file.ts";

/**
 * A row read from the raw pages of a database that SQLite no longer opens, or whose WAL it no longer accepts completely.
 * The scan follows no structure but a row's own: every page that looks like a table leaf is read cell by cell
 * (https://www.sqlite.org/fileformat2.html, sections 1.6 and 2). Rows may be stale or garbage; ours carry a checksum by
 * which the caller can tell.
 */
export interface RawRow {
  readonly rowid: number;
  /** One value per column; the rowid column is `null`. */
  readonly values: readonly RawValue[];
}

export type RawValue = number | string | null;

/** Scans the pages of a database file, then those in its WAL in the order in which they were written. */
export class PageScan {
  readonly #path: string;
  readonly #pages: number;
  #frames: number;
  #fd: number | undefined;
  #walFd: number | undefined;
  /** Frame with the last version of a page in the WAL. */
  readonly #frameOf = new Map<number, number>();
  readonly #torn = new Set<number>();

  constructor(path: string, parts: { readonly database: boolean } = { database: true }) {
    this.#path = path;
    // A folder in place of one file is skipped; the other file is still worth reading.
    this.#pages = parts.database ? Math.ceil(plainBytes(path) / PAGE_BYTES) : 0;
    this.#frames = Math.min(FRAMES_MAX, Math.max(0, Math.ceil((plainBytes(`${path}-wal`) - WAL_HEADER_BYTES) / FRAME_BYTES)));
    if (plainBytes(path) > 0) this.#fd = openSync(path, "r");
    if (this.#frames > 0) this.#walFd = openSync(`${path}-wal`, "r");
    this.#noteFrames();
  }

  /** Number of pages in the database file. */
  get pages(): number {
    return this.#pages;
  }

  /** Every row found, including stale and duplicate ones. */
  *rows(): Generator<RawRow> {
    yield* this.rowsOfPages(1, this.#pages);
    yield* this.rowsOfWal();
  }

  /** Rows on pages `from` to `to` (1-based, inclusive) of the database file. */
  *rowsOfPages(from: number, to: number): Generator<RawRow> {
    for (let page = from; page <= to; page += 1) yield* this.#rowsOf(readAt(this.#fd, (page - 1) * PAGE_BYTES, PAGE_BYTES), page === 1);
  }

  *rowsOfWal(): Generator<RawRow> {
    for (let frame = 0; frame < this.#frames; frame += 1) {
      if (this.#torn.has(frame)) continue;
      const bytes = readAt(this.#walFd, WAL_HEADER_BYTES + frame * FRAME_BYTES, FRAME_BYTES);
      if (bytes.length > FRAME_HEADER_BYTES) yield* this.#rowsOf(bytes.subarray(FRAME_HEADER_BYTES), bytes.readUInt32BE(0) === 1);
    }
  }

  /** Deletes the WAL after its rows were copied. */
  dropWal(): void {
    if (this.#walFd !== undefined) closeSync(this.#walFd);
    this.#walFd = undefined;
    this.#frames = 0;
    this.#frameOf.clear();
    rmSync(`${this.#path}-wal`, { force: true, recursive: true });
  }

  /** Truncates the database file after page `pages`; the rows behind it were copied. */
  cut(pages: number): void {
    if (this.#fd !== undefined) truncateSync(this.#path, pages * PAGE_BYTES);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    if (this.#walFd !== undefined) closeSync(this.#walFd);
    this.#fd = undefined;
    this.#walFd = undefined;
  }

  /**
   * Current frames of the WAL carry the salts of its header. Those behind the last commit belong to an interrupted
   * transaction: they are not damage, and their contents were never accepted. Frames with other salts are left from
   * earlier rounds, and their contents reached the database.
   */
  #noteFrames(): void {
    const headers = Array.from({ length: this.#frames }, (_, frame) => readAt(this.#walFd, WAL_HEADER_BYTES + frame * FRAME_BYTES, FRAME_HEADER_BYTES));
    const saltsOf = (header: Buffer | undefined): string => header?.toString("hex", 8, 16) ?? "";
    const inHeader = readAt(this.#walFd, 16, 8).toString("hex");
    // With a damaged header, use the salts of the first frame, which always belongs to the current round.
    const salts = headers.some((header) => saltsOf(header) === inHeader) ? inHeader : saltsOf(headers[0]);
    const present = headers.flatMap((header, frame) => (header.length === FRAME_HEADER_BYTES && saltsOf(header) === salts ? frame : []));
    const lastCommit = present.findLast((frame) => headers[frame]?.readUInt32BE(4) !== 0) ?? -1;
    for (const frame of present) {
      if (frame > lastCommit) this.#torn.add(frame);
      else this.#frameOf.set(headers[frame]?.readUInt32BE(0) ?? 0, frame);
    }
  }

  *#rowsOf(page: Buffer, isFirst: boolean): Generator<RawRow> {
    const start = isFirst ? 100 : 0;
    if (page.length < start + 8 || page[start] !== TABLE_LEAF) return;
    const cells = Math.min(page.readUInt16BE(start + 3), (PAGE_BYTES - 8) / 4);
    for (let cell = 0; cell < cells; cell += 1) {
      const pointerAt = start + 8 + cell * 2;
      if (pointerAt + 2 > page.length) return;
      const row = this.#cell(page, page.readUInt16BE(pointerAt));
      if (row !== undefined) yield row;
    }
  }

  #cell(page: Buffer, at: number): RawRow | undefined {
    const length = varint(page, at);
    const rowid = length === undefined ? undefined : varint(page, length.end);
    if (length === undefined || rowid === undefined || length.value > PAYLOAD_BYTES_MAX) return undefined;
    const payload = this.#payload(page, rowid.end, length.value);
    const values = payload === undefined ? undefined : recordOf(payload);
    return values === undefined ? undefined : { rowid: rowid.value, values };
  }

  #payload(page: Buffer, at: number, length: number): Buffer | undefined {
    if (length <= LOCAL_BYTES_MAX) return at + length <= page.length ? page.subarray(at, at + length) : undefined;
    const rest = LOCAL_BYTES_MIN + ((length - LOCAL_BYTES_MIN) % (PAGE_BYTES - 4));
    const local = rest <= LOCAL_BYTES_MAX ? rest : LOCAL_BYTES_MIN;
    if (at + local + 4 > page.length) return undefined;
    const parts = [page.subarray(at, at + local)];
    let left = length - local;
    for (let next = page.readUInt32BE(at + local); left > 0; ) {
      const overflow = this.#latest(next);
      if (overflow === undefined) return undefined;
      parts.push(overflow.subarray(4, 4 + Math.min(left, PAGE_BYTES - 4)));
      left -= PAGE_BYTES - 4;
      next = overflow.readUInt32BE(0);
    }
    return Buffer.concat(parts);
  }

  #latest(page: number): Buffer | undefined {
    const frame = this.#frameOf.get(page);
    const bytes =
      frame === undefined
        ? readAt(this.#fd, (page - 1) * PAGE_BYTES, PAGE_BYTES)
        : readAt(this.#walFd, WAL_HEADER_BYTES + frame * FRAME_BYTES + FRAME_HEADER_BYTES, PAGE_BYTES);
    return bytes.length === PAGE_BYTES ? bytes : undefined;
  }
}

/**
 * True when a WAL has frames but a header that SQLite rejects (section 4.1: magic number, page size, checksum over the
 * first 24 bytes): SQLite will silently ignore the whole WAL.
 */
export function walIsUnreadable(path: string): boolean {
  if (fileBytes(`${path}-wal`) < WAL_HEADER_BYTES + FRAME_BYTES) return false;
  const fd = openSync(`${path}-wal`, "r");
  try {
    const header = readAt(fd, 0, WAL_HEADER_BYTES);
    const magic = header.readUInt32BE(0);
    if (magic >>> 1 !== WAL_MAGIC >>> 1 || header.readUInt32BE(8) !== PAGE_BYTES) return true;
    const word = (at: number): number => (magic % 2 === 1 ? header.readUInt32BE(at) : header.readUInt32LE(at));
    let [a, b] = [0, 0];
    for (let at = 0; at < 24; at += 8) {
      a = (a + word(at) + b) >>> 0;
      b = (b + word(at + 4) + a) >>> 0;
    }
    return header.readUInt32BE(24) !== a || header.readUInt32BE(28) !== b;
  } finally {
    closeSync(fd);
  }
}

function plainBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? fileBytes(path) : 0;
}

const WAL_MAGIC = 0x377f0682;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
/** Limit on scanned frames (64 MiB). Our WAL has a few MiB at most. */
const FRAMES_MAX = 64 * 1024;
const TABLE_LEAF = 0x0d;
/** Section 1.6: how much of a payload stays on the leaf. Our pages have no reserved bytes. */
const LOCAL_BYTES_MAX = PAGE_BYTES - 35;
const LOCAL_BYTES_MIN = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23;
/** Our payloads are smaller; a larger length is garbage. */
const PAYLOAD_BYTES_MAX = 1024 * 1024;

function readAt(fd: number | undefined, position: number, length: number): Buffer {
  if (fd === undefined || position < 0) return Buffer.alloc(0);
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
}

/** Section 1.6: 1 to 9 bytes, seven bits each and eight in the ninth. A value beyond 2^53 counts as garbage. */
function varint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 9; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value = i === 8 ? value * 256 + byte : value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
    if (i === 8 || byte < 0x80) return { value, end: at + i + 1 };
  }
  return undefined;
}

/** Section 2.1: a header of serial types, then the values. `undefined` if inconsistent. */
function recordOf(payload: Buffer): RawValue[] | undefined {
  const header = varint(payload, 0);
  if (header === undefined || header.value > payload.length) return undefined;
  const values: RawValue[] = [];
  let bodyAt = header.value;
  for (let at = header.end; at < header.value; ) {
    const type = varint(payload, at);
    if (type === undefined || values.length >= COLUMNS_MAX) return undefined;
    at = type.end;
    const size = sizeOfType(type.value);
    if (size === undefined || bodyAt + size > payload.length) return undefined;
    values.push(valueOf(payload, bodyAt, type.value, size));
    bodyAt += size;
  }
  return values;
}

const COLUMNS_MAX = 16;
const INTEGER_SIZES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0] as const;

function sizeOfType(type: number): number | undefined {
  if (type < 10) return INTEGER_SIZES[type];
  return type < 12 ? undefined : Math.floor((type - 12) / 2);
}

function valueOf(payload: Buffer, at: number, type: number, size: number): RawValue {
  if (type === 0) return null;
  if (type === 7) return payload.readDoubleBE(at);
  if (type >= 8 && type < 10) return type - 8;
  if (type === 6) return Number(payload.readBigInt64BE(at));
  if (type < 6) return payload.readIntBE(at, size);
  return type % 2 === 1 ? payload.toString("utf8", at, at + size) : null;
}
