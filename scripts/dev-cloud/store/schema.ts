/** Schema version of the database. A file with another version is moved aside and a new one is created. */
export const SCHEMA_VERSION = 1;

/**
 * Record rows use small integers for repeated values (device, log, stream, boot, kind, clock): a metric record of
 * 300 bytes takes 340 on disk. Indexes: (log, stream, seq), unique, against duplicates; (device, stream), in order
 * of arrival; metrics by time.
 */
export const SCHEMA = `
CREATE TABLE devices (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, row TEXT NOT NULL);
CREATE TABLE documents (device TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (device, kind)) WITHOUT ROWID;
CREATE TABLE commands (device TEXT NOT NULL, id TEXT NOT NULL, attempt INTEGER NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL,
  open INTEGER NOT NULL, internal INTEGER NOT NULL, row TEXT NOT NULL, PRIMARY KEY (device, id, attempt)) WITHOUT ROWID;
CREATE INDEX commands_by_number ON commands (device, number);
CREATE INDEX commands_open ON commands (open, device, number) WHERE open = 1;
CREATE TABLE logs (key INTEGER PRIMARY KEY, device TEXT NOT NULL, log TEXT NOT NULL, first_seen INTEGER NOT NULL, UNIQUE (device, log));
CREATE TABLE positions (log INTEGER NOT NULL, stream INTEGER NOT NULL, up_to INTEGER NOT NULL, holes TEXT NOT NULL,
  PRIMARY KEY (log, stream)) WITHOUT ROWID;
CREATE TABLE names (key INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE records (cursor INTEGER PRIMARY KEY, device INTEGER NOT NULL, log INTEGER NOT NULL, stream INTEGER NOT NULL, seq INTEGER
  NOT NULL, kind INTEGER NOT NULL, boot INTEGER NOT NULL, wall INTEGER NOT NULL, mono REAL NOT NULL, flags INTEGER NOT NULL,
  received INTEGER NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX records_once ON records (log, stream, seq);
CREATE INDEX records_in_order ON records (device, stream);
CREATE INDEX records_by_time ON records (device, wall) WHERE stream = 4;
CREATE INDEX records_hidden ON records (device) WHERE flags >= 8;
CREATE TABLE uploads (id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, device TEXT NOT NULL, created INTEGER NOT NULL,
  purpose TEXT NOT NULL, state TEXT NOT NULL, internal INTEGER NOT NULL, row TEXT NOT NULL);
CREATE INDEX uploads_by_device ON uploads (device, created);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;
