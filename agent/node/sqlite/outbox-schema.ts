import { STREAMS, type Stream } from "../../protocol/records.ts";
import type { DatabaseSchema } from "./open-database.ts";

/** One table per stream: rows are appended at its end and dropped from its front, both cheap. */
const STREAM_TABLE = (stream: Stream): string => `
  CREATE TABLE "${stream}" (
    seq INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    mono INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    dedupe_key TEXT,
    body TEXT NOT NULL
  );`;

const VERSION_1 = `
  CREATE TABLE meta (id INTEGER PRIMARY KEY, log TEXT NOT NULL, crc INTEGER NOT NULL);
  -- floor: highest number whose row was dropped. newest: highest number given, as of the last checkpoint.
  CREATE TABLE stream (id INTEGER PRIMARY KEY, stored INTEGER NOT NULL, floor INTEGER NOT NULL, newest INTEGER NOT NULL, crc INTEGER NOT NULL);
  CREATE TABLE segment (
    id INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    quality INTEGER NOT NULL,
    wall_offset INTEGER NOT NULL,
    since_mono INTEGER NOT NULL,
    crc INTEGER NOT NULL
  );
  CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL, crc INTEGER NOT NULL);
  CREATE TABLE gap (id INTEGER PRIMARY KEY, entry TEXT NOT NULL, crc INTEGER NOT NULL);
  CREATE TABLE recent_key (id INTEGER PRIMARY KEY, dedupe_key TEXT NOT NULL, seq INTEGER NOT NULL, crc INTEGER NOT NULL);
  ${STREAMS.map(STREAM_TABLE).join("")}
`;

/** "VtOb". */
export const OUTBOX_SCHEMA: DatabaseSchema = { applicationId: 0x56744f62, migrations: [VERSION_1] };

/** Stream numbers in tables. Append only. */
export const STREAM_IDS: Readonly<Record<Stream, number>> = { outcome: 1, alarm: 2, play: 3, event: 4, metric: 5 };

/** Kinds without a row in table `kind`. Append only; other kinds get numbers from 64 on. */
export const KNOWN_KINDS: readonly (readonly [number, string])[] = [
  [1, "command"], [2, "alarm"], [3, "play"], [4, "page"], [5, "gpio"], [6, "agent"], [7, "player"], [8, "network"], [9, "telemetry"], [10, "gap"],
];
export const FIRST_OWN_KIND = 64;

export const QUALITIES = ["unset", "local", "synced"] as const;
