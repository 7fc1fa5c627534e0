import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RECORD_BODY_BYTES_MAX } from "../../../agent/protocol/limits.ts";
import type { Stream } from "../../../agent/protocol/records.ts";
import { CloudBench, type BenchDevice } from "../testing/cloud-bench.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { NewRecord, RecordRow } from "./cloud-store.ts";
import { HOLES_MAX, PositionCursor } from "./position.ts";

async function joined(): Promise<{ bench: CloudBench; device: BenchDevice }> {
  const bench = await CloudBench.create();
  const device = await bench.device();
  await device.join();
  return { bench, device };
}

function storedSeqs(bench: CloudBench, device: BenchDevice, stream: Stream = "event"): number[] {
  return bench.store.records({ device: device.id, streams: [stream], limit: 1_000, after: 0 }).map(({ seq }) => seq);
}

describe("records", () => {
  test("are stored once and acknowledged together, with one answer per commit", async () => {
    const { bench, device } = await joined();
    device.records("event", [1, 2]);
    device.records("event", [3]);
    device.records("play", [1], () => ({ kind: "play", body: { item: "a", startedMs: 1, durationMs: 2, result: "completed" } }));
    expect(device.count("stored")).toBe(0);
    await bench.settle();
    expect(device.take("stored")).toEqual({ t: "stored", log: "log-1", streams: { event: 3, play: 1 } });
    expect(device.count("stored")).toBe(0);
    expect(storedSeqs(bench, device)).toEqual([1, 2, 3]);
  });

  test("sent again are acknowledged again but not stored again", async () => {
    const { bench, device } = await joined();
    device.records("event", [1, 2, 3]);
    await bench.settle();
    const welcome = await device.join();
    expect(welcome.stored.event).toBe(3);
    device.records("event", [2, 3, 4]);
    await bench.settle();
    expect(device.take("stored").streams.event).toBe(4);
    expect(storedSeqs(bench, device)).toEqual([1, 2, 3, 4]);
    expect(bench.cloud.context.counters.duplicates).toBe(2);
  });

  test("with the same numbers but another log are different records", async () => {
    const { bench, device } = await joined();
    device.records("event", [1]);
    device.send({
      t: "records",
      stream: "event",
      log: "log-2",
      boot: "b",
      clock: "unset",
      records: [{ seq: 1, kind: "page", wall: 1, mono: 1, body: { name: "x" } }],
    });
    await bench.settle();
    expect(storedSeqs(bench, device)).toEqual([1, 1]);
    expect(device.received.filter((message) => message.t === "stored").map((message) => message.log)).toEqual(["log-1", "log-2"]);
  });

  test("holes are kept, shown, and filled by late records", async () => {
    const { bench, device } = await joined();
    device.records("event", [3, 4, 8]);
    await bench.settle();
    expect(bench.store.position(device.id, "log-1", "event")).toEqual({
      upTo: 8,
      holes: [
        [1, 2],
        [5, 7],
      ],
    });
    device.records("event", [6, 6, 2]);
    await bench.settle();
    expect(bench.store.position(device.id, "log-1", "event")).toEqual({
      upTo: 8,
      holes: [
        [1, 1],
        [5, 5],
        [7, 7],
      ],
    });
    expect(storedSeqs(bench, device).sort((a, b) => a - b)).toEqual([2, 3, 4, 6, 8]);
  });

  test("a poison body is refused with a code, also when sent again, and does not block other records", async () => {
    const { bench, device } = await joined();
    const body = (seq: number): { kind: string; body: { name?: string; x?: string } } => ({
      kind: "page",
      body: seq === 2 ? { x: "no name" } : seq === 3 ? { name: "n", x: "y".repeat(20_000) } : { name: "n" },
    });
    device.records("event", [1, 2, 3, 4], body);
    await bench.settle();
    const answer = device.take("stored");
    expect(answer.streams).toEqual({ event: 4 });
    expect(answer.rejected?.map(({ seq, code }) => [seq, code])).toEqual([
      [2, "record.invalid"],
      [3, "record.too-large"],
    ]);
    expect(storedSeqs(bench, device)).toEqual([1, 4]);
    device.records("event", [2], body);
    await bench.settle();
    expect(device.take("stored").rejected?.map(({ seq }) => seq)).toEqual([2]);
  });

  test("the limit of a body counts its bytes, not its characters", async () => {
    const { bench, device } = await joined();
    const overhead = '{"name":""}'.length;
    const most = "\u00e4".repeat((RECORD_BODY_BYTES_MAX - overhead - 1) / 2);
    const body = (seq: number): { kind: string; body: { name: string; data?: string } } => ({
      kind: "from-the-future",
      body: { name: seq === 1 ? `${most}x` : `${most}xx` },
    });
    device.records("alarm", [1, 2], body);
    await bench.settle();
    expect(device.take("stored").rejected).toEqual([
      { stream: "alarm", seq: 2, code: "record.too-large", message: "the body has 16385 bytes; at most 16384 bytes are allowed" },
    ]);
  });

  test("a frame with one malformed or too deeply nested record loses only that record", async () => {
    const { bench, device } = await joined();
    const deep = `${"[".repeat(40)}${"]".repeat(40)}`;
    const record = (seq: number, rest: string): string => `{"seq":${seq},"wall":1,"mono":1,${rest}}`;
    const records = [
      record(1, '"kind":"page","body":{"name":"a"}'),
      record(2, '"kind":"BAD KIND","body":{"name":"a"}'),
      record(3, `"kind":"page","body":{"name":"a","data":{"d":${deep}}}`),
      record(4, '"kind":"page","body":{"name":"d"}'),
    ];
    device.sendText(
      `{"t":"records","stream":"event","log":"log-1","boot":"b","clock":"synced","records":[${records.join(",")}]}`,
    );
    await bench.settle();
    expect(device.take("stored")).toMatchObject({
      streams: { event: 4 },
      rejected: [
        { seq: 2, code: "record.malformed" },
        { seq: 3, code: "record.too-deep" },
      ],
    });
    expect(storedSeqs(bench, device)).toEqual([1, 4]);
  });

  test("a frame whose records cannot be refused one by one is an error", async () => {
    const { bench, device } = await joined();
    device.sendText('{"t":"records","stream":"event","log":"log-1","boot":"b","clock":"synced","records":[{"seq":"one"}]}');
    device.sendText(
      '{"t":"records","stream":"nonsense","log":"log-1","boot":"b","clock":"synced","records":[{"seq":1,"kind":"page","wall":1,"mono":1,"body":{}}]}',
    );
    device.records(
      "event",
      Array.from({ length: 501 }, (_, at) => at + 1),
    );
    await bench.settle();
    expect(device.received.filter((message) => message.t === "error").map((message) => message.code)).toEqual([
      "message.malformed",
      "message.malformed",
      "records.too-many",
    ]);
    expect(storedSeqs(bench, device)).toEqual([]);
  });

  test("unknown kinds are stored unchanged", async () => {
    const { bench, device } = await joined();
    device.records("alarm", [1], () => ({ kind: "from-the-future", body: { anything: [1] } }));
    await bench.settle();
    expect(device.take("stored").rejected).toBeUndefined();
    expect(bench.store.records({ device: device.id, streams: ["alarm"], limit: 1 })[0]?.body).toEqual({ anything: [1] });
  });

  test("gap records are counted by stream and reason", async () => {
    const { bench, device } = await joined();
    device.records("metric", [1, 2], () => ({
      kind: "gap",
      body: { stream: "metric", reason: "quota", count: 5, from: 1, to: 5 },
    }));
    device.records("event", [1], () => ({ kind: "gap", body: { stream: "event", reason: "rate", count: 7, source: "page" } }));
    await bench.settle();
    expect(Object.values(bench.store.document(device.id, "gaps")?.document ?? {})).toEqual([
      { stream: "metric", reason: "quota", count: 10 },
      { stream: "event", reason: "rate", count: 7 },
    ]);
  });

  test("alarms are open from raised to cleared", async () => {
    const { bench, device } = await joined();
    const alarm = (state: string) => () => ({
      kind: "alarm",
      body: { code: "screen.dark", state, severity: "error", message: "dark" },
    });
    device.records("alarm", [1], alarm("raised"));
    await bench.settle();
    expect(Object.keys(bench.store.document(device.id, "alarms")?.document ?? {})).toEqual(["screen.dark"]);
    device.records("alarm", [2], alarm("cleared"));
    await bench.settle();
    expect(bench.store.document(device.id, "alarms")?.document).toEqual({});
  });

  test("while the store fails, nothing is acknowledged and sessions end; afterwards everything is stored", async () => {
    class FullDisk extends MemoryStore {
      full = false;
      override transaction<T>(work: () => T): T {
        return super.transaction(() => {
          const result = work();
          if (this.full) throw new Error("disk full");
          return result;
        });
      }
    }
    const store = new FullDisk();
    const bench = await CloudBench.create({}, store);
    const device = await bench.device();
    await device.join();
    store.full = true;
    device.records("event", [1, 2]);
    await bench.settle();
    expect(device.count("stored")).toBe(0);
    expect(device.take("goaway").retryAfterMs).toBe(10_000);
    expect(bench.cloud.context.counters.commitFailures).toBeGreaterThan(0);
    store.full = false;
    await bench.settle();
    expect(await device.join()).toMatchObject({ stored: { event: 0 } });
    device.records("event", [1, 2]);
    await bench.settle();
    expect(device.take("stored").streams.event).toBe(2);
    expect(storedSeqs(bench, device)).toEqual([1, 2]);
  });

  test("a flood pauses the connection until it is stored", async () => {
    const { bench, device } = await joined();
    for (let at = 0; at < 45; at += 1)
      device.records(
        "event",
        Array.from({ length: 500 }, (_, n) => at * 500 + n + 1),
      );
    expect(device.paused).toBe(true);
    await bench.settle();
    expect(device.paused).toBe(false);
    expect(device.take("stored").streams.event).toBe(45 * 500);
  });

  test("every number is stored exactly once, whatever the order and repetition of batches", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }), { maxLength: 12 }),
        async (batches) => {
          const { bench, device } = await joined();
          for (const batch of batches) {
            device.records(
              "event",
              batch.toSorted((a, b) => a - b),
            );
            if (batch.length % 2 === 0) await bench.settle();
          }
          await bench.settle();
          const sent = [...new Set(batches.flat())].sort((a, b) => a - b);
          expect(storedSeqs(bench, device).sort((a, b) => a - b)).toEqual(sent);
          const { upTo, holes } = bench.store.position(device.id, "log-1", "event");
          const missing = holes.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
          expect([...sent, ...missing].sort((a, b) => a - b)).toEqual(Array.from({ length: upTo }, (_, at) => at + 1));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("the number of holes is limited", () => {
    const cursor = new PositionCursor({ upTo: 0, holes: [] }, () => false);
    for (let seq = 2; seq <= 4_000; seq += 2) cursor.place(seq);
    const { holes, upTo } = cursor.position();
    expect(upTo).toBe(4_000);
    expect(holes).toHaveLength(HOLES_MAX);
    expect(holes[0]).toEqual([1, 3_001]);
  });

  test("the number of holes stays limited when late records split one", () => {
    const cursor = new PositionCursor({ upTo: 0, holes: [] }, () => false);
    cursor.place(4_000);
    for (let seq = 2; seq < 4_000; seq += 2) expect(cursor.place(seq)).toBe("new");
    expect(cursor.position().holes).toHaveLength(HOLES_MAX);
  });

  test("a stored record inside merged holes is a duplicate, and one that never arrived is stored", async () => {
    const { bench, device } = await joined();
    const evens = Array.from({ length: HOLES_MAX + 5 }, (_, at) => (at + 1) * 2);
    for (let from = 0; from < evens.length; from += 100) device.records("event", evens.slice(from, from + 100));
    await bench.settle();
    expect(bench.store.position(device.id, "log-1", "event").holes[0]).toEqual([1, 11]);
    device.received = [];
    // 5 twice: the second one finds the first in the same batch. 2 and 4 are stored, 3 is not.
    device.records("event", [2, 3, 4, 5, 5]);
    await bench.settle();
    expect(device.take("stored").streams).toEqual({ event: evens.at(-1) });
    expect(storedSeqs(bench, device).filter((seq) => seq < 7).sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6]);
    device.records("event", [2, 3, 5]);
    await bench.settle();
    expect(device.count("goaway")).toBe(0);
    expect(storedSeqs(bench, device)).toHaveLength(evens.length + 2);
  });

  test("a record that comes twice in one batch, with holes merged over it in between, is stored once", async () => {
    const { bench, device } = await joined();
    const ends = Array.from({ length: HOLES_MAX }, (_, at) => (at + 1) * 10);
    device.records("event", ends);
    await bench.settle();
    device.received = [];
    // The first 5 splits the oldest hole into two, which are merged at once.
    device.records("event", [5, 5]);
    await bench.settle();
    expect(bench.store.position(device.id, "log-1", "event").holes[0]).toEqual([1, 9]);
    expect(device.count("goaway")).toBe(0);
    expect(storedSeqs(bench, device)).toEqual([...ends, 5]);
  });

  test("work of one device that cannot be stored ends that device's session and no other", async () => {
    class Choosy extends MemoryStore {
      override appendRecords(records: readonly NewRecord[]): readonly RecordRow[] {
        const rows = super.appendRecords(records);
        if (records.some(({ kind }) => kind === "unstorable")) throw new Error("cannot be stored");
        return rows;
      }
    }
    const bench = await CloudBench.create({}, new Choosy());
    const [bad, good] = [await bench.device(3), await bench.device(4)];
    await bad.join();
    await good.join();
    bad.records("event", [1]);
    bad.records("event", [2], () => ({ kind: "unstorable", body: { name: "x" } }));
    // Storing these would acknowledge record 2, too.
    bad.records("event", [3]);
    good.records("event", [1, 2]);
    await bench.settle();
    expect(good.take("stored").streams.event).toBe(2);
    expect([good.closed, good.count("goaway")]).toEqual([undefined, 0]);
    expect(bad.take("goaway").retryAfterMs).toBe(10_000);
    expect(storedSeqs(bench, bad)).toEqual([1]);
    expect((await bad.join()).stored.event).toBe(1);
  });
});

describe("reported documents", () => {
  test("are stored whole or patched, and acknowledged with the cloud's version", async () => {
    const { bench, device } = await joined();
    device.send({ t: "reported", version: 5, document: { page: { a: 1, b: 2 } } });
    device.send({ t: "reported", version: 6, base: 5, document: { page: { a: null, c: 3 } } });
    await bench.settle();
    expect([device.take("reported-ack").version, device.take("reported-ack").version]).toEqual([5, 6]);
    expect(bench.store.document(device.id, "reported")).toMatchObject({ version: 6, document: { page: { b: 2, c: 3 } } });
  });

  test("a patch based on another version changes nothing and is answered with the current version", async () => {
    const { bench, device } = await joined();
    device.send({ t: "reported", version: 9, base: 8, document: { page: { a: 1 } } });
    await bench.settle();
    expect(device.take("reported-ack").version).toBe(0);
    device.send({ t: "reported", version: 5, document: { page: { a: 1 } } });
    device.send({ t: "reported", version: 6, base: 5, document: { page: { a: 2 } } });
    device.send({ t: "reported", version: 6, base: 5, document: { page: { a: 3 } } });
    await bench.settle();
    device.received.splice(0, 2);
    expect(device.take("reported-ack").version).toBe(6);
    expect(bench.store.document(device.id, "reported")?.document).toEqual({ page: { a: 2 } });
  });

  test("a patch that makes the document invalid is not applied; an invalid whole document is an error", async () => {
    const { bench, device } = await joined();
    device.send({ t: "reported", version: 1, document: { schedule: { now: "on" } } });
    device.send({ t: "reported", version: 2, base: 1, document: { schedule: { now: "sometimes" } } });
    device.sendText('{"t":"reported","version":3,"document":{"schedule":{"now":"sometimes"}}}');
    await bench.settle();
    expect(device.take("reported-ack").version).toBe(1);
    expect(device.take("reported-ack").version).toBe(1);
    expect(device.take("error")).toMatchObject({ code: "reported.invalid", about: "reported" });
    expect(bench.store.document(device.id, "reported")?.version).toBe(1);
  });

  test("the welcome requests what differs and names the versions the cloud has", async () => {
    const { bench, device } = await joined();
    device.send({ t: "reported", version: 4, document: {} });
    device.send({
      t: "profile",
      hash: "1".repeat(64),
      capabilities: [],
      commands: ["identify"],
      choices: {},
      inventory: {},
      evidence: [],
    });
    await bench.settle();
    expect(await device.join({ reportedVersion: 4, profileHash: "1".repeat(64) })).toMatchObject({
      reportedVersion: 4,
      wants: [],
    });
    expect(await device.join({ reportedVersion: 5, profileHash: "2".repeat(64) })).toMatchObject({
      wants: ["profile", "reported"],
    });
  });
});
