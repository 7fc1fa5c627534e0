import { renameSync } from "node:fs";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { SqliteStore, StoreVersionError, type SqliteStoreOptions } from "./sqlite-store.ts";

/** Opens the store. A file that is damaged or not ours is moved aside and a new one is created. */
export function openStore(options: SqliteStoreOptions, log: Log, clock: Clock): SqliteStore {
  const { file } = options;
  try {
    return new SqliteStore(options);
  } catch (thrown) {
    const damaged =
      thrown instanceof StoreVersionError ||
      (thrown instanceof Error && "code" in thrown && (thrown.code === "SQLITE_NOTADB" || thrown.code === "SQLITE_CORRUPT"));
    if (!damaged) throw thrown;
    const aside = `${file}.unusable-${clock.wallMs()}`;
    renameSync(file, aside);
    for (const suffix of ["-wal", "-shm"]) renameIfThere(`${file}${suffix}`, `${aside}${suffix}`);
    log.error({ error: thrown.message, movedTo: aside }, "the store could not be used; it was moved aside and a new one was created");
    return new SqliteStore(options);
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
  }
}
