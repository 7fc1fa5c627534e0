import type { DatabaseSchema } from "../sqlite/open-database.ts";

const CREATE_INDEXES = `
  CREATE UNIQUE INDEX command_key ON command (id, attempt);
  CREATE INDEX command_number ON command (owner, number);
  CREATE INDEX command_open ON command (arrival) WHERE done = 0;
`;

const VERSION_1 = `
  CREATE TABLE command (
    arrival INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    owner TEXT NOT NULL,
    number INTEGER NOT NULL,
    -- 1 when it is final and handed over: only then may it be forgotten.
    done INTEGER NOT NULL,
    finished_wall INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    entry TEXT NOT NULL
  );
  ${CREATE_INDEXES}
  CREATE TABLE floor (owner TEXT PRIMARY KEY, number INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
`;

/** "VtJn". */
export const JOURNAL_SCHEMA: DatabaseSchema = { applicationId: 0x56744a6e, migrations: [VERSION_1] };

/** Builds the indexes of the commands anew, around the deletion of a row that they do not match: SQLite refuses it otherwise. */
export const INDEXES = { drop: "DROP INDEX command_key; DROP INDEX command_number; DROP INDEX command_open", create: CREATE_INDEXES };
