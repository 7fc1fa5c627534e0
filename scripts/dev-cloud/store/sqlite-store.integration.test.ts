import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { cloudStoreConformance } from "./cloud-store.conformance.ts";
import { SqliteStore, StoreVersionError } from "./sqlite-store.ts";

function folder(): string {
  return mkdtempSync(join(tmpdir(), "vitrine-cloud-store-"));
}

cloudStoreConformance("SqliteStore", () => {
  const dir = folder();
  const file = join(dir, "cloud.sqlite");
  return {
    open: () => new SqliteStore({ file }),
    reopen: (store) => {
      store.close();
      return new SqliteStore({ file });
    },
    end: () => rmSync(dir, { recursive: true }),
  };
});

test("a second process on the same file fails with SQLITE_BUSY", () => {
  const dir = folder();
  const file = join(dir, "cloud.sqlite");
  const store = new SqliteStore({ file });
  store.transaction(() => store.addToCounter("x", 1));
  expect(() => new SqliteStore({ file })).toThrow(/locked|busy/i);
  store.close();
  rmSync(dir, { recursive: true });
});

test("a file with another schema or without a database is refused and not changed", () => {
  const dir = folder();
  const other = join(dir, "other.sqlite");
  const db = new Database(other);
  db.exec("CREATE TABLE mine (a)");
  db.close();
  expect(() => new SqliteStore({ file: other })).toThrow(StoreVersionError);
  const noise = join(dir, "noise.sqlite");
  writeFileSync(noise, "this is not a database, whatever its name says. ".repeat(200));
  expect(() => new SqliteStore({ file: noise })).toThrow(/not a database/);
  rmSync(dir, { recursive: true });
});
