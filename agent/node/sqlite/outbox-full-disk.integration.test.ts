import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { Result } from "../../../platform/ports/result.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { Outbox } from "../../core/outbox/outbox.ts";
import type { OutboxIncident } from "../../core/outbox/outbox-deps.ts";
import { readAll } from "../../core/outbox/testing/outbox-bench.ts";
import type { Stream } from "../../protocol/records.ts";
import { openDocuments } from "./open-documents.ts";
import { sqliteOutboxOpener } from "./open-outbox.ts";
import { mountSmallDisk, type SmallDisk } from "./testing/small-disk.ts";

const DISK_BYTES = 8 * 1024 * 1024;
const probe = mountSmallDisk(DISK_BYTES);
const why = "why" in probe ? probe.why : undefined;
if ("folder" in probe) probe.dispose();
if (why !== undefined) reportLeftOut("outbox and documents on a full and on a read-only disk", why);

describe.skipIf(why !== undefined)("a small disk", () => {
  let disk: SmallDisk;
  let running: Running[] = [];

  beforeAll(() => {
    const mounted = mountSmallDisk(DISK_BYTES);
    if ("why" in mounted) throw new Error(mounted.why);
    disk = mounted;
  });
  afterEach(async () => {
    disk.remount("rw");
    for (const { outbox } of running) await outbox.close();
    running = [];
    disk.empty();
  });
  afterAll(() => disk.dispose());

  const start = async (folder: string): Promise<Running> => {
    const started = await startIn(join(disk.folder, folder));
    running.push(started);
    return started;
  };

  test("fills up during operation: accepted records are kept, the more valuable streams continue, and all continue when there is room", async () => {
    const { outbox, time, incidents } = await start("full");
    for (let n = 0; n < 500; n += 1) await append(outbox, "metric", n);
    await outbox.flush();
    disk.fill();
    const outcomes: number[] = [];
    for (let n = 0; n < 300; n += 1) {
      const done = await append(outbox, "outcome", n);
      if (done.ok) outcomes.push(done.value.seq);
      await time.advance(10);
    }
    // Metrics can be dropped, so no outcome is refused.
    expect(outcomes).toHaveLength(300);
    expect(outbox.status().counters.evicted.metric).toBeGreaterThan(0);
    expect((await readAll(outbox, "outcome")).map(({ seq }) => seq)).toEqual(outcomes);
    expect(incidents).toEqual([]);
    disk.empty();
    await time.advance(60_000);
    await outbox.flush();
    for (let n = 0; n < 2_000; n += 1) expect(await append(outbox, "outcome", n)).toMatchObject({ ok: true });
    await outbox.close();
    const again = await start("full");
    expect((await readAll(again.outbox, "outcome")).length).toBe(2_300);
    expect(again.incidents).toEqual([]);
  });

  test("is full with nothing to drop: new records are refused with the reason, and no accepted record is lost", async () => {
    const { outbox, time } = await start("stuck");
    for (let n = 0; n < 50; n += 1) await append(outbox, "outcome", n);
    disk.fill();
    const codes = new Set<string>();
    let accepted = 50;
    for (let n = 0; n < 400; n += 1) {
      const done = await append(outbox, "event", n, 4_000);
      if (!done.ok) codes.add(done.error.code);
      const durable = await append(outbox, "play", n, 4_000);
      if (durable.ok) accepted += 1;
      else codes.add(durable.error.code);
      await time.advance(1_000);
      await outbox.flush();
    }
    expect([...codes].filter((code) => code !== "outbox.full")).toEqual([]);
    const { evicted } = outbox.status().counters;
    expect((await readAll(outbox, "outcome")).length).toBe(50);
    expect((await readAll(outbox, "play")).length + evicted.play + 50).toBe(accepted);
    disk.empty();
    await time.advance(120_000);
    await outbox.flush();
    await append(outbox, "alarm", 1);
    await time.advance(5_000);
    await outbox.flush();
    const told = (await readAll(outbox, "alarm")).filter(({ kind }) => kind === "gap").map(({ body }) => body["stream"]);
    expect(told.length).toBeGreaterThan(0);
  });

  test("is full from the start: the outbox runs in memory, reports it, and moves to the disk when there is room", async () => {
    disk.fill();
    const { outbox, time, incidents } = await start("from-the-start");
    expect(incidents).toMatchObject([{ kind: "degraded", why: { code: "storage.full" } }]);
    expect(await append(outbox, "outcome", 1)).toMatchObject({ ok: true });
    expect(await append(outbox, "event", 1)).toMatchObject({ ok: true });
    disk.empty();
    await time.advance(90_000);
    await outbox.flush();
    expect(await append(outbox, "outcome", 2)).toMatchObject({ ok: true });
    expect(incidents.map(({ kind }) => kind)).toEqual(["degraded", "recovered"]);
    await outbox.close();
    const again = await start("from-the-start");
    expect((await readAll(again.outbox, "outcome")).map(({ body }) => body["n"])).toEqual([1, 2]);
  });

  test("is full at the start with a backlog: the backlog is read, sent and deleted", async () => {
    const before = await start("backlog");
    for (let n = 0; n < 200; n += 1) await append(before.outbox, "play", n);
    await before.outbox.close();
    disk.fill();
    const { outbox, incidents } = await start("backlog");
    expect(incidents).toEqual([]);
    expect((await readAll(outbox, "play")).length).toBe(200);
    await outbox.stored({ play: 200 });
    await outbox.flush();
    expect(await append(outbox, "play", 200)).toMatchObject({ ok: true, value: { seq: 201 } });
  });

  test("is read-only from the start: the outbox runs in memory, reports it, and has its records again once the disk is writable", async () => {
    const before = await start("read-only");
    for (let n = 0; n < 20; n += 1) await append(before.outbox, "play", n);
    await before.outbox.close();
    disk.remount("ro");
    const { outbox, time, incidents } = await start("read-only");
    expect(incidents).toMatchObject([{ kind: "degraded", why: { code: "storage.read-only" } }]);
    expect(await append(outbox, "outcome", 1)).toMatchObject({ ok: true });
    expect(await readAll(outbox, "outcome")).toHaveLength(1);
    disk.remount("rw");
    await time.advance(90_000);
    await outbox.flush();
    await append(outbox, "outcome", 2);
    expect(incidents.map(({ kind }) => kind)).toEqual(["degraded", "recovered"]);
    expect((await readAll(outbox, "play")).length).toBe(20);
    expect((await readAll(outbox, "outcome")).map(({ body }) => body["n"])).toEqual([1, 2]);
  });

  test("documents: a full disk refuses writes with the reason and keeps the old value; a read-only one is still read", async () => {
    const options = { path: join(disk.folder, "documents", "state.sqlite"), quarantine: join(disk.folder, "documents", "quarantine"), quarantineBytesMax: 1e6, clock: new VirtualTime() };
    const { store } = openDocuments(options);
    await store.put({ desired: { n: 1 } });
    disk.fill();
    expect(await store.put({ desired: { n: 2, padding: "x".repeat(200_000) } })).toMatchObject({ ok: false, error: { code: "storage.full" } });
    expect(await store.get("desired")).toEqual({ ok: true, value: { n: 1 } });
    disk.empty();
    await store.put({ desired: { n: 3 } });
    expect(await store.get("desired")).toEqual({ ok: true, value: { n: 3 } });
    await store.close?.();
    disk.remount("ro");
    const { store: readOnly, degraded } = openDocuments(options);
    expect(degraded).toMatchObject({ code: "storage.read-only" });
    expect(await readOnly.get("desired")).toEqual({ ok: true, value: { n: 3 } });
  });
});

interface Running {
  readonly outbox: Outbox;
  readonly time: VirtualTime;
  readonly incidents: OutboxIncident[];
}

async function startIn(folder: string): Promise<Running> {
  const time = new VirtualTime();
  const incidents: OutboxIncident[] = [];
  const random = new SeededRandom(folder);
  const openStore = sqliteOutboxOpener({ path: join(folder, "outbox.sqlite"), quarantine: join(folder, "quarantine"), capBytes: 4 * 1024 * 1024, clock: time, random });
  const limits = { rateOf: () => ({ burst: 1e9, perSecond: 1e9 }) };
  const outbox = await Outbox.open({ openStore, clock: time, timers: time, random, log: silentLog, boot: "boot-1", quality: "synced", limits }, (incident) => incidents.push(incident));
  return { outbox, time, incidents };
}

function append(outbox: Outbox, stream: Stream, n: number, padding = 200): Promise<Result<{ readonly seq: number }>> {
  return outbox.append({ stream, kind: "page", body: { n, padding: "x".repeat(padding) }, source: "agent" });
}
