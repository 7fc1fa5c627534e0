import { closeSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { Outbox } from "../../core/outbox/outbox.ts";
import type { OutboxIncident } from "../../core/outbox/outbox-deps.ts";
import { readAll } from "../../core/outbox/testing/outbox-bench.ts";
import { STREAMS, type Gap, type Stream } from "../../protocol/records.ts";
import { sqliteOutboxOpener } from "./open-outbox.ts";
import { damageFile } from "./testing/damage-files.ts";

/** Number of random damages in a normal run; set it to 1000 for a campaign. */
const CASES = Number(process.env["VITRINE_DAMAGE_CASES"] ?? 100);
const SEED = process.env["VITRINE_DAMAGE_SEED"] ?? "damage";
const CAP_BYTES = 8 * 1024 * 1024;

let root: string;
/** Files of a killed agent with a long WAL. */
let whole: string;
/** Accepted records that the cloud has not stored, by stream. */
const expected = new Map<Stream, ReadonlyMap<number, string>>();

interface Running {
  readonly outbox: Outbox;
  readonly time: VirtualTime;
  readonly incidents: OutboxIncident[];
}

async function start(folder: string, capBytes: number = CAP_BYTES): Promise<Running> {
  const time = new VirtualTime();
  const incidents: OutboxIncident[] = [];
  const random = new SeededRandom(folder);
  const openStore = sqliteOutboxOpener({ path: join(folder, "outbox.sqlite"), quarantine: join(folder, "quarantine"), capBytes, clock: time, random });
  const limits = { rateOf: () => ({ burst: 1e9, perSecond: 1e9 }) };
  const outbox = await Outbox.open({ openStore, clock: time, timers: time, random, log: silentLog, boot: "boot-1", quality: "synced", limits }, (incident) => incidents.push(incident));
  return { outbox, time, incidents };
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "vitrine-damage-"));
  const folder = join(root, "made");
  const { outbox } = await start(folder);
  const random = new SeededRandom("bodies");
  for (let round = 0; round < 60; round += 1) {
    for (const stream of STREAMS) {
      for (let n = 0; n < 8; n += 1) {
        const text = "x".repeat(random.chance(0.1) ? random.integer(0, 9_000) : random.integer(0, 200));
        await outbox.append({ stream, kind: "page", body: { round, n, text }, source: "agent" });
      }
      await outbox.flush();
    }
    if (round === 20) for (const stream of STREAMS) await readAll(outbox, stream);
    if (round === 20) await outbox.stored({ outcome: 40, play: 100, event: 17 });
  }
  await outbox.append({ stream: "outcome", kind: "command", body: { last: true }, source: "agent" });
  for (const stream of STREAMS) {
    const records = await readAll(outbox, stream);
    expected.set(stream, new Map(records.map(({ seq, body }) => [seq, JSON.stringify(body)])));
  }
  whole = join(root, "whole");
  cpSync(folder, whole, { recursive: true });
  await outbox.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function copyOfWhole(name: string): Promise<string> {
  const folder = join(root, name);
  cpSync(whole, folder, { recursive: true });
  return folder;
}

/** Finds records that are neither present nor named by a gap record, and records whose contents changed. */
async function check({ outbox, time }: Running): Promise<{ readonly unnamed: string[]; readonly changed: string[]; readonly here: number }> {
  // Damage inside a row is found and reported when the row is read.
  for (const stream of STREAMS) await readAll(outbox, stream);
  await time.advance(5_000);
  // Virtual time does not wait for the disk.
  await outbox.flush();
  const gaps: Gap[] = [];
  const gapRecords = new Set<string>();
  const here = new Map<Stream, Map<number, string>>();
  for (const stream of STREAMS) {
    const records = await readAll(outbox, stream);
    here.set(stream, new Map(records.map(({ seq, body }) => [seq, JSON.stringify(body)])));
    if (stream === "alarm") {
      for (const { seq, kind, body } of records) {
        if (kind !== "gap") continue;
        gaps.push(body as unknown as Gap);
        gapRecords.add(`${stream} ${seq}`);
      }
    }
  }
  const unnamed: string[] = [];
  const changed: string[] = [];
  let count = 0;
  for (const [stream, records] of expected) {
    for (const [seq, body] of records) {
      const found = here.get(stream)?.get(seq);
      if (found === body) count += 1;
      else if (found !== undefined && !gapRecords.has(`${stream} ${seq}`)) changed.push(`${stream} ${seq}`);
      else if (found === undefined && !gaps.some((gap) => gap.stream === stream && (gap.from ?? Infinity) <= seq && seq <= (gap.to ?? 0))) unnamed.push(`${stream} ${seq}`);
    }
  }
  return { unnamed, changed, here: count };
}

test("files left by a kill are complete", async () => {
  const running = await start(await copyOfWhole("plain"));
  expect(running.incidents).toEqual([]);
  expect(await check(running)).toEqual({ unnamed: [], changed: [], here: [...expected.values()].reduce((sum, records) => sum + records.size, 0) });
  await running.outbox.close();
});

test.each(Array.from({ length: CASES }, (_, n) => n))("random damage %d: the outbox opens, continues, and names its losses", async (n) => {
  const random = new SeededRandom(`${SEED}-${n}`);
  const folder = await copyOfWhole(`case-${n}`);
  const file = random.chance(0.7) ? "outbox.sqlite" : "outbox.sqlite-wal";
  const damage = damageFile(join(folder, file), random);
  const running = await start(folder);
  try {
    const { unnamed, changed } = await check(running);
    const note = JSON.stringify({ damage, incidents: running.incidents });
    expect(changed, note).toEqual([]);
    const extentUnknown = running.incidents.some((incident) => incident.kind === "loss" && !incident.loss.extentKnown);
    expect(extentUnknown ? [] : unnamed, note).toEqual([]);
    const added = await running.outbox.append({ stream: "play", kind: "play", body: { after: "damage" }, source: "agent" });
    expect(added, note).toMatchObject({ ok: true });
    expect(running.outbox.status().degraded, note).toBeUndefined();
    expect(running.outbox.status().usage.bytes, note).toBeLessThanOrEqual(CAP_BYTES);
    // The next start finds nothing.
    await running.outbox.close();
    const again = await start(folder);
    expect(again.incidents, note).toEqual([]);
    await again.outbox.close();
  } finally {
    await running.outbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each<[string, (folder: string) => void]>([
  ["an empty database beside a full write-ahead log", (folder) => writeFileSync(join(folder, "outbox.sqlite"), "")],
  ["a database that is gone", (folder) => rmSync(join(folder, "outbox.sqlite"))],
  ["a database that is text", (folder) => writeFileSync(join(folder, "outbox.sqlite"), "not a database\n".repeat(1_000))],
  ["a folder in the place of the database", (folder) => {
    rmSync(join(folder, "outbox.sqlite"));
    mkdirSync(join(folder, "outbox.sqlite"));
  }],
  ["a write-ahead log that is gone", (folder) => rmSync(join(folder, "outbox.sqlite-wal"))],
  ["a write-ahead log that is text", (folder) => writeFileSync(join(folder, "outbox.sqlite-wal"), "nonsense\n".repeat(10_000))],
  ["a folder in the place of the write-ahead log", (folder) => {
    rmSync(join(folder, "outbox.sqlite-wal"));
    mkdirSync(join(folder, "outbox.sqlite-wal"));
  }],
  ["marks that are gone", (folder) => rmSync(join(folder, "outbox.sqlite.marks"))],
  ["marks that are text", (folder) => writeFileSync(join(folder, "outbox.sqlite.marks"), "nonsense\n".repeat(1_000))],
  ["a folder in the place of the marks", (folder) => {
    rmSync(join(folder, "outbox.sqlite.marks"));
    mkdirSync(join(folder, "outbox.sqlite.marks"));
  }],
  ["a file in the place of the quarantine", (folder) => {
    writeFileSync(join(folder, "outbox.sqlite"), "x".repeat(5_000));
    writeFileSync(join(folder, "quarantine"), "x");
  }],
])("%s: it starts, and takes records", async (name, damage) => {
  const folder = await copyOfWhole(name.replaceAll(" ", "-"));
  damage(folder);
  const running = await start(folder);
  const added = await running.outbox.append({ stream: "outcome", kind: "command", body: { after: "damage" }, source: "agent" });
  expect(added).toMatchObject({ ok: true });
  expect(running.incidents.length).toBeGreaterThan(0);
  await running.outbox.close();
});

test("an interrupted salvage continues at the next start and reports every loss once", async () => {
  const folder = await copyOfWhole("cut-short");
  const fd = openSync(join(folder, "outbox.sqlite"), "r+");
  writeSync(fd, new Uint8Array(40_000).fill(255), 0, 40_000, 100_000);
  closeSync(fd);
  const first = await start(folder, 8 * CAP_BYTES);
  const all = await check(first);
  await first.outbox.close();

  // The same, but the process ends right after the file was moved aside.
  const again = join(root, "cut-short-again");
  cpSync(folder, again, { recursive: true });
  const { default: Database } = await import("better-sqlite3");
  const [aside = ""] = readdirSync(join(again, "quarantine")).filter((name) => !name.endsWith("-wal"));
  const database = new Database(join(again, "outbox.sqlite"));
  for (const stream of STREAMS) database.exec(`DELETE FROM "${stream}" WHERE seq % 3 = 0`);
  database.exec("DELETE FROM gap");
  database.prepare("INSERT INTO meta (id, log, crc) VALUES (2, ?, 0)").run(aside);
  database.close();
  const second = await start(again, 8 * CAP_BYTES);
  expect(await check(second)).toEqual(all);
  await second.outbox.close();
});

test("rows whose columns changed type are damage, not a crash", async () => {
  const folder = await copyOfWhole("odd-rows");
  const { default: Database } = await import("better-sqlite3");
  const database = new Database(join(folder, "outbox.sqlite"));
  database.unsafeMode();
  database.exec("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '')");
  database.close();
  const loose = new Database(join(folder, "outbox.sqlite"));
  loose.exec(`
    UPDATE play SET body = NULL WHERE seq = 200;
    UPDATE play SET body = x'00ff', kind = 'text' WHERE seq = 201;
    UPDATE play SET crc = 'none', mono = NULL WHERE seq = 202;
    INSERT INTO gap (id, entry, crc) VALUES (77, '{"stream":', 1), (78, NULL, NULL);
    INSERT INTO segment (id, boot, quality, wall_offset, since_mono, crc) VALUES (99, NULL, 'x', NULL, 0, 1);
    INSERT INTO kind (id, name, crc) VALUES (99, x'01', 1);
  `);
  loose.close();
  const running = await start(folder);
  expect((await check(running)).unnamed).toEqual([]);
  expect(running.outbox.status().counters.damaged).toBeGreaterThanOrEqual(3);
  await running.outbox.close();
});

test("another program's database is set aside unchanged and counts against the cap", async () => {
  const { default: Database } = await import("better-sqlite3");
  const folder = join(root, "foreign");
  mkdirSync(folder);
  const foreign = new Database(join(folder, "outbox.sqlite"));
  foreign.exec("CREATE TABLE photos (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO photos VALUES (1, 'holiday')");
  foreign.close();
  const running = await start(folder);
  expect(running.incidents).toMatchObject([{ kind: "loss", loss: { why: { code: "storage.foreign" } } }]);
  const [incident] = running.incidents;
  const aside = incident?.kind === "loss" ? incident.loss.quarantined : undefined;
  expect(existsSync(join(folder, aside ?? "nothing"))).toBe(true);
  const photos = new Database(join(folder, aside ?? "nothing"), { readonly: true });
  expect(photos.prepare("SELECT name FROM photos").pluck().get()).toBe("holiday");
  photos.close();
  await running.outbox.close();
});

test("a folder in place of the reserve does not keep the outbox off the disk", async () => {
  const folder = await copyOfWhole("reserve-folder");
  rmSync(join(folder, "outbox.sqlite.reserve"), { force: true });
  mkdirSync(join(folder, "outbox.sqlite.reserve", "inside"), { recursive: true });
  const running = await start(folder);
  expect((await check(running)).unnamed).toEqual([]);
  expect(running.incidents).toEqual([]);
  await running.outbox.close();
});
