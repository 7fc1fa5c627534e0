import { describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { Stream } from "../../protocol/records.ts";
import { MemoryDisk } from "./memory-outbox-store.ts";
import type { OutboxChange, OutboxOpening } from "./outbox-store.ts";
import { damagedRows } from "./testing/damaged-rows.ts";
import { OutboxBench } from "./testing/outbox-bench.ts";

const LIMITS = { recordsMax: 10, bytesMax: 1e6 };
const FULL: Issue = { code: "storage.full", message: "as told" };

/** A started outbox with four records in `stream`, the rows `damaged` of which cannot be read. `disk.refuse` scripts its failures. */
async function outboxWith(stream: Stream, damaged: readonly number[]) {
  const logged: string[] = [];
  const disk: { refuse: (change: OutboxChange) => Issue | undefined; onRead: () => void; next: () => OutboxOpening } = {
    refuse: () => undefined,
    onRead: () => {},
    next: () => damagedRows(memory, stream, damaged, () => disk.onRead()),
  };
  const memory = new MemoryDisk("a".repeat(24), 1e7, { refuse: (change) => disk.refuse(change) });
  const bench = new OutboxBench({
    openStore: async () => disk.next(),
    log: { ...silentLog, error: (_fields, message) => void logged.push(message) },
    limits: { evictBytes: 1 },
  });
  const outbox = await bench.start();
  const append = (to: Stream, n: number) => outbox.append({ stream: to, kind: "page", body: { n }, source: "agent" });
  for (let n = 1; n <= 4; n += 1) await append(stream, n);
  return { bench, outbox, disk, logged, append };
}

describe("rows to be dropped on a full disk", () => {
  test("that are damaged are told as a failing disk, and logged once", async () => {
    const { bench, outbox, disk, logged } = await outboxWith("alarm", [1]);
    disk.refuse = () => FULL;
    for (let times = 0; times < 100; times += 1) {
      expect(await outbox.read("alarm", 0, LIMITS)).toBeUndefined();
      await bench.time.advance(5_000);
    }
    expect(bench.incidents).toEqual([{ kind: "write-failed", why: FULL }]);
    expect(logged.filter((message) => message.includes("checksum"))).toHaveLength(1);
    disk.refuse = () => undefined;
    // Until then the disk still counts as full.
    await bench.time.advance(30_000);
    expect(await outbox.read("alarm", 0, LIMITS)).toMatchObject({ first: 2, count: 3 });
    expect(bench.incidents.slice(1)).toEqual([{ kind: "write-recovered" }]);
  });

  test.each([
    ["that are damaged are dropped", [1], [1, 0]],
    ["that the cloud rejects are dropped", [], [0, 1]],
  ])("%s in the room of a record of lower priority", async (_name, damaged, [damagedCount, rejectedCount]) => {
    const { bench, outbox, disk, append } = await outboxWith("alarm", damaged);
    await append("metric", 1);
    await outbox.flush();
    let isFull = true;
    disk.refuse = ({ dropUpTo }) => {
      if (dropUpTo?.metric !== undefined) isFull = false;
      return isFull ? FULL : undefined;
    };
    await outbox.read("alarm", 0, LIMITS);
    await outbox.rejected("alarm", 1, "record.malformed", "no such kind");
    expect(await outbox.read("alarm", 0, LIMITS)).toMatchObject({ first: 2, count: 3 });
    const { counters } = outbox.status();
    expect([counters.damaged, counters.rejectedByCloud, counters.dropped.alarm, counters.evicted.metric]).toEqual([damagedCount, rejectedCount, 1, 1]);
    expect(bench.incidents).toEqual([]);
  });

  test("are counted once if they are evicted to make that room", async () => {
    const { bench, outbox, disk } = await outboxWith("play", [1, 3]);
    disk.refuse = ({ dropOne }) => (dropOne?.some(({ seq }) => seq === 1) === true ? FULL : undefined);
    expect(await outbox.read("play", 0, LIMITS)).toMatchObject({ last: 4 });
    await bench.time.advance(2_000);
    const corrupt = (await bench.gaps()).filter(({ reason }) => reason === "corrupt");
    expect([outbox.status().counters.damaged, corrupt.reduce((sum, { count }) => sum + count, 0)]).toEqual([2, 2]);
  });
});

describe("a log that is replaced while damaged rows are dropped", () => {
  /** From the next write on, the outbox is in memory under another log. */
  function loseDisk(disk: Awaited<ReturnType<typeof outboxWith>>["disk"]): void {
    const why: Issue = { code: "storage.read-only", message: "as told" };
    disk.refuse = () => why;
    disk.next = () => ({ ...new MemoryDisk("d".repeat(24), 1e6).open(), degraded: why });
  }

  test("gives no rows of the old log under the new one", async () => {
    const { bench, outbox, disk } = await outboxWith("play", [3]);
    await bench.time.advance(60_000);
    loseDisk(disk);
    expect(await outbox.read("play", 0, LIMITS)).toBeUndefined();
    expect(outbox.log).toBe("d".repeat(24));
    await outbox.stored({ play: 2 });
    expect(outbox.status().counters.acksBeyond).toBe(1);
  });

  test("keeps its own record with the number of one that was damaged in the old log", async () => {
    const { bench, outbox, disk, append } = await outboxWith("play", [1]);
    await bench.time.advance(60_000);
    loseDisk(disk);
    let appending: ReturnType<typeof append> | undefined;
    // The write comes between the read and the drop.
    disk.onRead = () => void (appending ??= append("play", 9));
    expect(await outbox.read("play", 0, LIMITS)).toBeUndefined();
    expect(await appending).toEqual({ ok: true, value: { seq: 1 } });
    expect((await bench.records("play")).map(({ body }) => body["n"])).toEqual([9]);
  });

  test("keeps its own record with the number of one that the cloud rejected in the old log", async () => {
    const { bench, outbox, disk, append } = await outboxWith("play", []);
    await outbox.read("play", 0, LIMITS);
    await bench.time.advance(60_000);
    loseDisk(disk);
    const appending = append("play", 9);
    await Promise.resolve();
    await outbox.rejected("play", 1, "record.malformed", "no such kind");
    expect(await appending).toEqual({ ok: true, value: { seq: 1 } });
    expect((await bench.records("play")).map(({ body }) => body["n"])).toEqual([9]);
  });
});
