import { crc32 } from "node:zlib";

/**
 * CRC-32 of a row of `table`, as the signed integer that SQLite stores in four bytes. It catches what SQLite's own check
 * does not (a flipped bit inside a text), and lets a salvage recognise rows and their table. `text` is the row's longest
 * column, passed separately so that it need not be copied.
 */
export function rowChecksum(table: string, numbers: readonly (number | string | null)[], text: unknown): number {
  // On a damaged page the value may have any type. NaN equals nothing.
  if (typeof text !== "string") return Number.NaN;
  return crc32(text, crc32(`${table}\u0000${numbers.join("\u0000")}\u0000`)) | 0;
}
