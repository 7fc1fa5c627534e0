import type Database from "better-sqlite3";
import { perStream } from "../../core/outbox/per-stream.ts";
import type { ClockSegment, GapEntry, OutboxContents, StreamContents } from "../../core/outbox/outbox-store.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import { QUALITIES, STREAM_IDS } from "./outbox-schema.ts";
import { rowChecksum } from "./row-checksum.ts";

/** Number of newest rows searched for dedupe keys: nobody sends an older record again. */
const KEY_ROWS_MAX = 2_048;

/** Contents of the small tables and the ends of the large ones. `floor` is the highest number whose row was dropped. */
export interface ReadContents {
  readonly contents: OutboxContents;
  readonly floors: Readonly<Record<Stream, number>>;
}

/**
 * Reads the state of an outbox file. `undefined` when the log id or a stream's numbers do not match their checksum:
 * numbers could be assigned twice, so the file must not be used further. Throws SQLite's errors.
 */
export function readContents(database: Database.Database): ReadContents | undefined {
  const log = readLog(database);
  const streams = readStreams(database);
  if (log === undefined || streams === undefined) return undefined;
  return {
    contents: {
      log,
      streams: perStream((stream) => streams[stream].contents),
      segments: readSegments(database),
      gaps: readGaps(database),
      keys: readKeys(database),
    },
    floors: perStream((stream) => streams[stream].floor),
  };
}

function readLog(database: Database.Database): string | undefined {
  const row = database.prepare("SELECT log, crc FROM meta WHERE id = 1").raw().get() as [string, number] | undefined;
  return row !== undefined && row[1] === rowChecksum("meta", [1], row[0]) ? row[0] : undefined;
}

interface StreamEnds {
  readonly contents: StreamContents;
  readonly floor: number;
}

type StreamRow = [id: number, stored: number, floor: number, newest: number, crc: number];

function readStreams(database: Database.Database): Record<Stream, StreamEnds> | undefined {
  const rows = database.prepare("SELECT id, stored, floor, newest, crc FROM stream").raw().all() as StreamRow[];
  const intact = rows.filter(([id, stored, floor, newest, crc]) => crc === rowChecksum("stream", [id, stored, floor, newest], ""));
  const found = new Map(intact.map(([id, stored, floor, newest]) => [id, { stored, floor, newest }]));
  if (STREAMS.some((stream) => !found.has(STREAM_IDS[stream]))) return undefined;
  return perStream((stream) => {
    const { stored, floor, newest } = found.get(STREAM_IDS[stream]) ?? { stored: 0, floor: 0, newest: 0 };
    const [first, last] = database.prepare(`SELECT min(seq), max(seq) FROM "${stream}"`).raw().get() as [number | null, number | null];
    const highest = Math.max(last ?? 0, floor, newest, stored);
    return { contents: { stored, oldest: first ?? highest + 1, newest: highest }, floor };
  });
}

type SegmentRow = [id: number, quality: number, wallOffset: number, sinceMono: number, boot: string, crc: number];

/** Segments that rows still refer to, and the latest; deletes the others. */
function readSegments(database: Database.Database): ClockSegment[] {
  const firsts = STREAMS.flatMap((stream) => {
    const first = database.prepare(`SELECT segment FROM "${stream}" ORDER BY seq LIMIT 1`).pluck().get() as number | undefined;
    return first ?? [];
  });
  const unused = database.prepare("DELETE FROM segment WHERE id < ? AND id < (SELECT max(id) FROM segment)");
  unused.run(Math.min(...firsts, Number.MAX_SAFE_INTEGER));
  const rows = database.prepare("SELECT id, quality, wall_offset, since_mono, boot, crc FROM segment ORDER BY id").raw().all() as SegmentRow[];
  return rows.flatMap(([id, quality, offsetMs, sinceMonoMs, boot, crc]) => {
    const name = QUALITIES[quality];
    if (name === undefined || crc !== rowChecksum("segment", [id, quality, offsetMs, sinceMonoMs], boot)) return [];
    return { id, boot, quality: name, offsetMs, sinceMonoMs };
  });
}

function readGaps(database: Database.Database): GapEntry[] {
  const rows = database.prepare("SELECT id, entry, crc FROM gap").raw().all() as [number, string, number][];
  return rows.flatMap(([id, entry, crc]) => (crc === rowChecksum("gap", [id], entry) ? (JSON.parse(entry) as GapEntry) : []));
}

function readKeys(database: Database.Database): { key: string; seq: number }[] {
  const recent = database.prepare("SELECT dedupe_key, seq FROM recent_key ORDER BY id").raw().all() as [string, number][];
  const here = STREAMS.flatMap((stream) => {
    const newest = database.prepare(`SELECT dedupe_key, seq FROM "${stream}" ORDER BY seq DESC LIMIT ${KEY_ROWS_MAX}`).raw();
    return (newest.all() as [string | null, number][]).reverse();
  });
  return [...recent, ...here].flatMap(([key, seq]) => (key === null ? [] : { key, seq }));
}
