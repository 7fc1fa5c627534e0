import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeJournalStore } from "../../core/commands/journal-store.conformance.ts";
import { entry, final, OWNER } from "../../core/commands/testing/journal-entries.ts";
import { valuesOf, type ValuesOf } from "../../core/storage/testing/values-of.ts";
import { Quarantine } from "../sqlite/quarantine.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { JOURNAL_SCHEMA } from "./journal-schema.ts";
import { openJournal, type JournalOpening } from "./open-journal.ts";
import { SqliteJournalStore } from "./sqlite-journal-store.ts";

async function openFile(folder: string, boot = "boot-1"): Promise<Extract<JournalOpening, { kind: "open" }>> {
  const opening = await openJournal({ path: join(folder, "journal.db"), quarantine: new Quarantine(join(folder, "quarantine"), 10_000_000), wallMs: 0, boot });
  if (opening.kind !== "open") throw new Error(`${opening.why.code}: ${opening.why.message}`);
  return opening;
}

async function open(folder: string) {
  const opening = await openFile(folder);
  return { ...opening, store: valuesOf(opening.store) };
}

describeJournalStore("SQLite", true, async () => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-journal-"));
  let { store } = await openFile(folder);
  return {
    store,
    async reopen() {
      store.close();
      store = (await openFile(folder)).store;
      return store;
    },
    close() {
      store.close();
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  };
});

describe("the journal file", () => {
  let folder: string;
  let store: ValuesOf<SqliteJournalStore> | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-journal-"));
  });
  afterEach(() => {
    store?.close();
    store = undefined;
    rmSync(folder, { recursive: true });
  });

  async function filled(count: number): Promise<string> {
    const { store: first } = await open(folder);
    for (let number = 1; number <= count; number += 1)
      await first.put(entry(number, { state: final(number, number, number % 2 === 0) }));
    first.close();
    return join(folder, "journal.db");
  }

  it("has every confirmed write after SIGKILL at a random time", async () => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "testing/write-until-killed.ts"), join(folder, "journal.db"), join(folder, "quarantine")],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const ended = once(child, "exit");
    const said = new Map<number, string>();
    const killAfter = 150 + Math.floor(Math.random() * 300);
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [number = "", state = ""] = line.split(" ");
      said.set(Number(number), state);
      if ((lines += 1) === killAfter) child.kill("SIGKILL");
    }
    await ended;
    const opening = await open(folder);
    ({ store } = opening);
    // A kill is not damage, whichever writes of journal and marks it separates.
    expect(opening.damage, `killed after line ${killAfter}`).toBeUndefined();
    const floor = await store.floor(OWNER);
    const order = ["delivered", "running", "final"];
    const missing: string[] = [];
    for (const [number, state] of said) {
      const found = await store.get(`c${number}`, 1);
      const forgotten = found === undefined && number <= floor && state === "final";
      if (!forgotten && order.indexOf(found?.state.kind ?? "") < order.indexOf(state)) missing.push(`${number} ${state}`);
    }
    expect(missing, `killed after line ${killAfter}`).toEqual([]);
    expect(said.size).toBeGreaterThan(40);
  });

  it("starts a new file with the readable rows when pages are damaged, and runs no old command", async () => {
    const path = await filled(200);
    const bytes = readFileSync(path);
    bytes.fill(0xa5, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 4096);
    writeFileSync(path, bytes);
    const opening = await open(folder);
    ({ store } = opening);
    const left = await store.recent(1_000);
    expect(opening.damage?.salvaged).toBe(left.length);
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(200);
    for (const found of left)
      expect(found).toEqual(entry(found.number, { state: final(found.number, found.number, found.number % 2 === 0) }));
    expect(await store.floor(OWNER)).toBe(Math.max(...left.map(({ number }) => number)));
    expect(statSync(opening.damage?.movedTo ?? "").size).toBe(bytes.length);
  });

  it.each([
    ["cut to nothing", (path: string) => truncateSync(path, 0)],
    ["cut in the middle", (path: string) => truncateSync(path, 5_000)],
    ["no database", (path: string) => writeFileSync(path, "#!/bin/sh\n".repeat(1_000))],
  ])("opens when the file is %s", async (_what, damage) => {
    damage(await filled(20));
    ({ store } = await open(folder));
    await store.put(entry(100));
    expect(await store.get("c100", 1)).toEqual(entry(100));
  });

  it("discards and counts a row whose text was changed, and never runs its number", async () => {
    const path = await filled(10);
    const database = new Database(path);
    database.exec("UPDATE command SET entry = replace(entry, 'succeeded', 'succeedeD') WHERE id = 'c7'");
    database.close();
    const opening = await open(folder);
    ({ store } = opening);
    expect(opening.damage).toMatchObject({ why: { code: "storage.corrupt" }, salvaged: 9 });
    expect(await store.get("c7", 1)).toBeUndefined();
    expect(await store.floor(OWNER)).toBe(7);
    expect(await store.recent(100)).toHaveLength(9);
  });

  it("never runs the number of a damaged row, even if it was the highest", async () => {
    const path = await filled(10);
    const database = new Database(path);
    database.exec("UPDATE command SET finished_wall = 5 WHERE id = 'c10'");
    database.close();
    ({ store } = await open(folder));
    expect(await store.get("c10", 1)).toBeUndefined();
    expect(await store.floor(OWNER)).toBe(10);
  });

  it("returns the reason from every read and write of an unreadable file, and never rejects", async () => {
    const file = openDatabase(join(folder, "journal.db"), JOURNAL_SCHEMA);
    if (file.kind !== "open") throw new Error(file.why.message);
    const broken = new SqliteJournalStore(file.file);
    file.file.database.exec("DROP TABLE command; DROP TABLE floor");
    const answers = await Promise.all([
      broken.get("c1", 1), broken.put(entry(1)), broken.numberHolder(OWNER, 1), broken.floor(OWNER), broken.unfinished(), broken.recent(1),
      broken.prune({ finishedBeforeWallMs: 0, entriesMax: 1, bytesMax: 1 }), broken.checkRows(), broken.raiseFloor(OWNER, 1),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ ok: false, error: { code: "storage.corrupt" } });
    broken.close();
  });

  /** Opens a journal whose table a disk can change under it, as a flipped bit does: no index follows. */
  async function damageable() {
    const file = openDatabase(join(folder, "journal.db"), JOURNAL_SCHEMA);
    if (file.kind !== "open") throw new Error(file.why.message);
    const { database } = file.file;
    const journal = new SqliteJournalStore(file.file);
    store = valuesOf(journal);
    const damage = (change: string): void => {
      database.unsafeMode(true);
      database.exec("PRAGMA writable_schema = ON; CREATE TEMP TABLE indexes AS SELECT * FROM main.sqlite_schema WHERE type = 'index' AND tbl_name = 'command'");
      database.exec("DELETE FROM main.sqlite_schema WHERE name IN (SELECT name FROM indexes); PRAGMA writable_schema = RESET");
      database.exec(`UPDATE command SET ${change}`);
      database.exec("PRAGMA writable_schema = ON; INSERT INTO main.sqlite_schema SELECT * FROM indexes; PRAGMA writable_schema = RESET; DROP TABLE indexes");
    };
    return { journal, store, damage, integrity: () => database.pragma("integrity_check", { simple: true }) };
  }

  it.each([
    ["text that is no JSON any more", "entry = substr(entry, 2)", 2],
    ["text of another type", "entry = x'00'", 2],
    ["another result", "entry = replace(entry, 'succeeded', 'succeedeD')", 2],
    ["an id that the index does not have", "id = 'c9'", 2],
    ["a number that the index does not have", "number = 900", 3],
    ["a cancel of a number far away", "entry = json_set(entry, '$.cancelNumber', 900)", 2],
  ])("prunes a finished row damaged since opening (%s), counts it as lost and raises the floor no higher than is certain", async (_what, change, floor) => {
    const { journal, store: opened, damage, integrity } = await damageable();
    for (const number of [1, 2, 3]) await opened.put(entry(number, { state: final(number, number, true) }));
    damage(`${change} WHERE id = 'c2'`);
    expect(await opened.prune({ finishedBeforeWallMs: 3, entriesMax: 1_000, bytesMax: 1_000_000_000 })).toBe(2);
    expect(journal.rowsLost).toBe(1);
    expect(await opened.floor(OWNER)).toBe(floor);
    expect((await opened.recent(10)).map(({ id }) => id)).toEqual(["c3"]);
    expect(integrity()).toBe("ok");
  });

  it("takes the end of a command whose number was damaged on the disk since opening", async () => {
    const { store: opened, damage, integrity } = await damageable();
    await opened.put(entry(1));
    damage("number = 900");
    await opened.put(entry(1, { state: final(1, 1, false) }));
    expect(await opened.unfinished()).toEqual([entry(1, { state: final(1, 1, false) })]);
    expect(integrity()).toBe("ok");
  });

  it("returns the other open commands when one of them was damaged since opening", async () => {
    const { journal, store: opened, damage } = await damageable();
    for (const number of [1, 2]) await opened.put(entry(number));
    damage("number = 900 WHERE id = 'c1'");
    expect(await opened.unfinished()).toEqual([entry(2)]);
    expect([journal.rowsLost, await opened.floor(OWNER)]).toEqual([1, 2]);
  });

  it("stays small over many commands", async () => {
    ({ store } = await open(folder));
    for (let number = 1; number <= 1_500; number += 1) {
      await store.put(entry(number));
      await store.put(entry(number, { state: final(number, number, true) }));
      if (number % 50 === 0) await store.prune({ finishedBeforeWallMs: 0, entriesMax: 100, bytesMax: 1_000_000 });
    }
    expect(await store.recent(10_000)).toHaveLength(100);
    expect(store.bytes()).toBeLessThan(1_500_000);
  });
});
