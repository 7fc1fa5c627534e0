/** Truncated WALs and other missing ends: losses are counted and reported, and no number is reused. */
import { cpSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
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
import { PAGE_BYTES } from "./open-database.ts";

const WAL_HEADER_BYTES = 32;
const FRAME_BYTES = 24 + PAGE_BYTES;
const RANDOM_CUTS = Number(process.env["VITRINE_DAMAGE_CASES"] ?? 60);

let root: string;
/** Files of a killed agent: in each stream some records stored by the cloud, the others waiting, all in the WAL. */
let whole: string;
const waiting = new Map<Stream, ReadonlyMap<number, string>>();
const STORED: Partial<Record<Stream, number>> = { play: 7, event: 3 };

interface Running {
  readonly outbox: Outbox;
  readonly time: VirtualTime;
  readonly incidents: OutboxIncident[];
}

async function start(folder: string, boot = "boot-1"): Promise<Running> {
  const time = new VirtualTime();
  const incidents: OutboxIncident[] = [];
  const random = new SeededRandom(folder);
  const path = join(folder, "outbox.sqlite");
  const openStore = sqliteOutboxOpener({ path, quarantine: join(folder, "quarantine"), capBytes: 8 * 1024 * 1024, clock: time, random, boot });
  const outbox = await Outbox.open(
    { openStore, clock: time, timers: time, random, log: silentLog, boot, quality: "synced" },
    (incident) => incidents.push(incident),
  );
  return { outbox, time, incidents };
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "vitrine-cut-"));
  const folder = join(root, "made");
  const { outbox } = await start(folder);
  for (let round = 0; round < 12; round += 1) {
    for (const stream of STREAMS) await outbox.append({ stream, kind: "page", body: { round, text: "x".repeat(round * 150) }, source: "agent" });
    await outbox.flush();
    if (round === 8) for (const stream of STREAMS) await readAll(outbox, stream);
    if (round === 8) await outbox.stored(STORED);
  }
  for (const stream of STREAMS) waiting.set(stream, new Map((await readAll(outbox, stream)).map(({ seq, body }) => [seq, JSON.stringify(body)])));
  whole = join(root, "whole");
  cpSync(folder, whole, { recursive: true });
  await outbox.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function copyOfWhole(name: string): string {
  const folder = join(root, name);
  cpSync(whole, folder, { recursive: true });
  return folder;
}

const walBytes = (): number => statSync(join(whole, "outbox.sqlite-wal")).size;

interface Found {
  readonly lost: number;
  readonly untold: readonly string[];
  readonly changed: readonly string[];
  /** Numbers given to new records although earlier records had them. */
  readonly reused: readonly string[];
}

/** Appends one more record per stream and compares everything with what was accepted. */
async function check({ outbox, time }: Running): Promise<Found> {
  const given = new Map<Stream, number>();
  for (const stream of STREAMS) {
    const done = await outbox.append({ stream, kind: "page", body: { after: "cut" }, source: "agent" });
    if (done.ok) given.set(stream, done.value.seq);
  }
  await time.advance(5_000);
  await outbox.flush();
  const gaps: Gap[] = [];
  const here = new Map<string, string>();
  for (const stream of STREAMS) {
    for (const { seq, kind, body } of await readAll(outbox, stream)) {
      if (kind === "gap") gaps.push(body as unknown as Gap);
      else here.set(`${stream} ${seq}`, JSON.stringify(body));
    }
  }
  const untold: string[] = [];
  const changed: string[] = [];
  const reused: string[] = [];
  const lost = new Map<Stream, number>();
  for (const [stream, records] of waiting) {
    for (const [seq, body] of records) {
      const name = `${stream} ${seq}`;
      const found = here.get(name);
      if (given.get(stream) === seq) reused.push(name);
      else if (found !== undefined && found !== body) changed.push(name);
      else if (found === undefined) {
        lost.set(stream, (lost.get(stream) ?? 0) + 1);
        if (!gaps.some((gap) => gap.stream === stream && (gap.from ?? Infinity) <= seq && seq <= (gap.to ?? 0))) untold.push(name);
      }
    }
  }
  for (const [stream, count] of lost) {
    const told = gaps.filter((gap) => gap.stream === stream).reduce((sum, gap) => sum + gap.count, 0);
    if (told !== count) untold.push(`${stream}: ${count} are lost and ${told} are told`);
  }
  return { lost: [...lost.values()].reduce((sum, count) => sum + count, 0), untold, changed, reused };
}

async function cutAt(bytes: number, boot: string): Promise<Found & { readonly incidents: readonly OutboxIncident[] }> {
  const folder = copyOfWhole(`cut-${bytes}-${boot}`);
  truncateSync(join(folder, "outbox.sqlite-wal"), bytes);
  const running = await start(folder, boot);
  const found = await check(running);
  await running.outbox.close();
  const again = await start(folder, boot);
  expect(again.incidents, `the second start after a cut at ${bytes}`).toEqual([]);
  await again.outbox.close();
  rmSync(folder, { recursive: true });
  return { ...found, incidents: running.incidents };
}

const CLEAN = { untold: [], changed: [], reused: [] };

test("a WAL cut at any frame boundary: a gap record and an alarm count every lost record, and no number is reused", { timeout: 120_000 }, async () => {
  const frames = Math.floor((walBytes() - WAL_HEADER_BYTES) / FRAME_BYTES);
  expect(frames).toBeGreaterThan(60);
  let lossy = 0;
  for (let frame = 0; frame <= frames; frame += 1) {
    const found = await cutAt(WAL_HEADER_BYTES + frame * FRAME_BYTES, "boot-1");
    expect(found, `cut after frame ${frame} of ${frames}`).toMatchObject(CLEAN);
    if (found.lost === 0) continue;
    lossy += 1;
    expect(found.incidents, `cut after frame ${frame} of ${frames}`).toMatchObject([{ kind: "loss", loss: { file: "outbox.sqlite-wal", extentKnown: true } }]);
  }
  expect(lossy).toBeGreaterThan(50);
});

test("a WAL cut anywhere during an earlier boot: losses are reported too, and numbers continue above the reserved ones", { timeout: 120_000 }, async () => {
  const random = new SeededRandom("cuts");
  for (let n = 0; n < RANDOM_CUTS; n += 1) {
    const bytes = random.integer(0, walBytes() - 1);
    const found = await cutAt(bytes, "boot-2");
    expect(found, `cut at ${bytes}`).toMatchObject(CLEAN);
    // The loss is known up to the mark; the power cut may have taken later records.
    expect(found.incidents, `cut at ${bytes}`).toMatchObject(found.lost === 0 ? found.incidents : [{ kind: "loss", loss: { extentKnown: false } }]);
  }
});

test("an intact WAL is not a loss, in the same boot or a later one", async () => {
  for (const boot of ["boot-1", "boot-2"]) expect(await cutAt(walBytes(), boot)).toEqual({ lost: 0, ...CLEAN, incidents: [] });
});

test("a database missing after a clean shutdown is counted as a loss", async () => {
  const folder = copyOfWhole("gone");
  const first = await start(folder);
  await first.outbox.close();
  rmSync(join(folder, "outbox.sqlite"));
  const running = await start(folder, "boot-2");
  expect(running.incidents).toMatchObject([{ kind: "loss" }]);
  expect(await check(running)).toMatchObject({ ...CLEAN, lost: [...waiting.values()].reduce((sum, records) => sum + records.size, 0) });
  await running.outbox.close();
});

test("a WAL cut together with its marks: the unknown loss is reported as such", async () => {
  const folder = copyOfWhole("both");
  truncateSync(join(folder, "outbox.sqlite-wal"), WAL_HEADER_BYTES + 10 * FRAME_BYTES);
  rmSync(join(folder, "outbox.sqlite.marks"));
  const { outbox, incidents } = await start(folder);
  expect(incidents).toMatchObject([{ kind: "loss", loss: { file: "outbox.sqlite.marks", extentKnown: false } }]);
  await outbox.close();
});

test("a folder without marks, from an earlier version, opens without a report", async () => {
  const folder = copyOfWhole("older");
  const first = await start(folder);
  await first.outbox.close();
  const { default: Database } = await import("better-sqlite3");
  const database = new Database(join(folder, "outbox.sqlite"));
  database.exec("DELETE FROM meta WHERE id = 4");
  database.close();
  rmSync(join(folder, "outbox.sqlite.marks"));
  const { outbox, incidents } = await start(folder);
  expect(incidents).toEqual([]);
  await outbox.close();
});
