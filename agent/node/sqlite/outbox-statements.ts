import type Database from "better-sqlite3";
import { perStream } from "../../core/outbox/per-stream.ts";
import type { GapEntry } from "../../core/outbox/outbox-store.ts";
import type { Stream } from "../../protocol/records.ts";
import { rowChecksum } from "./row-checksum.ts";

/** The store's prepared statements. */
export function statementsOf(database: Database.Database) {
  const forStreams = (sql: (table: string) => string): Record<Stream, Database.Statement> =>
    perStream((stream) => database.prepare(sql(`"${stream}"`)));
  const gapIds = new Map<string, number>();
  let lastGapId = 0;
  for (const [id, entry, crc] of database.prepare("SELECT id, entry, crc FROM gap").raw().all() as [number, string, number][]) {
    lastGapId = Math.max(lastGapId, id);
    if (crc === rowChecksum("gap", [id], entry)) gapIds.set(gapKey(JSON.parse(entry) as GapEntry), id);
  }
  return {
    begin: database.prepare("BEGIN IMMEDIATE"),
    commit: database.prepare("COMMIT"),
    rollback: database.prepare("ROLLBACK"),
    add: forStreams((table) => `INSERT INTO ${table} (seq, segment, kind, mono, crc, dedupe_key, body) VALUES (?, ?, ?, ?, ?, ?, ?)`),
    dropUpTo: forStreams((table) => `DELETE FROM ${table} WHERE seq <= ?`),
    dropOne: forStreams((table) => `DELETE FROM ${table} WHERE seq = ?`),
    nth: perStream((stream) => database.prepare(`SELECT seq FROM "${stream}" ORDER BY seq LIMIT 1 OFFSET ? - 1`).pluck()),
    keys: perStream((stream) =>
      database.prepare(`SELECT dedupe_key, seq FROM "${stream}" WHERE seq BETWEEN ? AND ? AND dedupe_key IS NOT NULL`).raw(),
    ),
    read: perStream((stream) =>
      database
        .prepare(
          `SELECT seq, segment, kind, mono, crc, dedupe_key, body, octet_length(body) FROM "${stream}"
             WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
        )
        .raw(),
    ),
    putMeta: database.prepare("INSERT OR REPLACE INTO meta (id, log, crc) VALUES (1, ?, ?)"),
    putStream: database.prepare("INSERT OR REPLACE INTO stream (id, stored, floor, newest, crc) VALUES (?, ?, ?, ?, ?)"),
    putSegment: database.prepare("INSERT OR REPLACE INTO segment (id, quality, wall_offset, since_mono, boot, crc) VALUES (?, ?, ?, ?, ?, ?)"),
    putGap: database.prepare("INSERT OR REPLACE INTO gap (id, entry, crc) VALUES (?, ?, ?)"),
    dropGap: database.prepare("DELETE FROM gap WHERE id = ?"),
    addKey: database.prepare("INSERT INTO recent_key (dedupe_key, seq, crc) VALUES (?, ?, ?)"),
    trimKeys: database.prepare("DELETE FROM recent_key WHERE id <= ?"),
    gapId: (gap: GapEntry): number => {
      const key = gapKey(gap);
      const id = gapIds.get(key) ?? (lastGapId += 1);
      gapIds.set(key, id);
      return id;
    },
  };
}

function gapKey(gap: GapEntry): string {
  return `${gap.stream}/${gap.reason}/${gap.source}`;
}
