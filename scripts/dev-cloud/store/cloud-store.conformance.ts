import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CloudStore, CommandRow, DeviceRow, NewRecord, UploadRow } from "../sessions/cloud-store.ts";

const DEVICE = "a".repeat(32);
const OTHER = "b".repeat(32);

export function deviceRow(id: string = DEVICE): DeviceRow {
  return {
    id,
    publicKey: "k",
    createdMs: 1,
    lastSeenMs: 2,
    link: { state: "offline", sinceMs: 3, reason: "closed" },
    number: 0,
    desiredFloor: 0,
  };
}

export function recordOf(seq: number, change: Partial<NewRecord> = {}): NewRecord {
  return {
    device: DEVICE,
    log: "log-1",
    boot: "boot-1",
    stream: "event",
    seq,
    kind: "page",
    wallMs: 1_000 + seq,
    monoMs: seq + 0.5,
    clock: "synced",
    replay: false,
    receivedMs: 2_000 + seq,
    hidden: false,
    body: { name: `n${seq}` },
    ...change,
  };
}

function commandRow(id: string, number: number, change: Partial<CommandRow> = {}): CommandRow {
  return {
    device: DEVICE,
    id,
    attempt: 1,
    number,
    name: "identify",
    params: {},
    payload: "{}",
    state: "queued",
    stages: [{ state: "queued", atMs: 1, by: "cloud" }],
    issuedMs: 1,
    notAfterMs: 2,
    ttlMs: 1,
    internal: false,
    notes: [],
    uploads: [],
    ...change,
  };
}

function uploadRow(id: string, createdMs: number, change: Partial<UploadRow> = {}): UploadRow {
  return {
    id,
    device: DEVICE,
    request: id,
    token: `t-${id}`,
    purpose: "logs",
    name: "n",
    contentType: "text/plain",
    bytes: 1,
    sha256: "0",
    state: "waiting",
    createdMs,
    expiresMs: createdMs + 1,
    internal: false,
    ...change,
  };
}

interface StoreBench {
  open(): CloudStore;
  /** Closes the store and opens it again. Absent: the store does not outlive its process. */
  readonly reopen?: (store: CloudStore) => CloudStore;
  end(): void;
}

/** Conformance suite of every {@link CloudStore}. */
export function cloudStoreConformance(name: string, factory: () => StoreBench): void {
  describe(`${name} as a cloud store`, () => {
    let bench: ReturnType<typeof factory>;
    let store: CloudStore;
    beforeEach(() => {
      bench = factory();
      store = bench.open();
      store.transaction(() => {
        store.putDevice(deviceRow());
        store.putDevice(deviceRow(OTHER));
      });
    });
    afterEach(() => {
      store.close();
      bench.end();
    });

    test("returns devices by id as they were put", () => {
      const row: DeviceRow = { ...deviceRow(), name: "Lobby", owner: { key: "o", sinceMs: 5 } };
      store.transaction(() => store.putDevice(row));
      expect(store.device(DEVICE)).toEqual(row);
      expect(store.devices().map(({ id }) => id)).toEqual([DEVICE, OTHER]);
      expect(store.device("c".repeat(32))).toBeUndefined();
    });

    test("rolls back a transaction that throws, including keys created in it", () => {
      const work = (): void => {
        store.putDevice({ ...deviceRow(), name: "gone" });
        store.putDocument({ device: DEVICE, kind: "reported", version: 1, atMs: 1, document: { a: 1 } });
        store.appendRecords([recordOf(1, { log: "new-log", boot: "new-boot", kind: "new-kind" })]);
        store.putPosition(DEVICE, "new-log", "event", { upTo: 1, holes: [] }, 1);
        store.putCommand(commandRow("c1", 1));
        store.addToCounter("x", 3);
        throw new Error("power cut");
      };
      expect(() => store.transaction(work)).toThrow("power cut");
      expect(store.device(DEVICE)?.name).toBeUndefined();
      expect(store.document(DEVICE, "reported")).toBeUndefined();
      expect(store.recordCount(DEVICE, "event")).toBe(0);
      expect(store.positions(DEVICE)).toEqual([]);
      expect(store.command(DEVICE, "c1")).toBeUndefined();
      expect(store.counter("x")).toBe(0);
      store.transaction(() => store.appendRecords([recordOf(1, { log: "new-log", boot: "new-boot", kind: "new-kind" })]));
      expect(store.records({ device: DEVICE, streams: ["event"], limit: 5 })).toMatchObject([
        { seq: 1, log: "new-log", boot: "new-boot", kind: "new-kind" },
      ]);
    });

    test("undoes only a savepoint that throws, including keys created in it", () => {
      store.transaction(() => {
        store.appendRecords([recordOf(1)]);
        expect(() =>
          store.savepoint(() => {
            store.appendRecords([recordOf(1, { log: "new-log", boot: "new-boot", kind: "new-kind" })]);
            store.putPosition(DEVICE, "log-1", "event", { upTo: 9, holes: [] }, 1);
            store.appendRecords([recordOf(1)]);
          }),
        ).toThrow(/stored already|UNIQUE/);
        store.savepoint(() => store.appendRecords([recordOf(2, { log: "new-log", boot: "new-boot", kind: "new-kind" })]));
      });
      expect(store.records({ device: DEVICE, streams: ["event"], limit: 5, after: 0 })).toMatchObject([
        { seq: 1, log: "log-1" },
        { seq: 2, log: "new-log", boot: "new-boot", kind: "new-kind" },
      ]);
      expect(store.position(DEVICE, "log-1", "event").upTo).toBe(0);
      expect(() => store.savepoint(() => undefined)).toThrow("a savepoint needs a transaction");
    });

    test("reads its own writes inside a transaction", () => {
      const seen = store.transaction(() => {
        store.putPosition(DEVICE, "log-1", "play", { upTo: 7, holes: [[2, 3]] }, 1);
        return store.position(DEVICE, "log-1", "play");
      });
      expect(seen).toEqual({ upTo: 7, holes: [[2, 3]] });
    });

    test("replaces documents whole, with their version", () => {
      store.transaction(() => {
        store.putDocument({ device: DEVICE, kind: "desired", version: 1, atMs: 1, document: { a: 1 } });
        store.putDocument({ device: DEVICE, kind: "desired", version: 2, atMs: 2, document: { b: 2 } });
      });
      expect(store.document(DEVICE, "desired")).toEqual({
        device: DEVICE,
        kind: "desired",
        version: 2,
        atMs: 2,
        document: { b: 2 },
      });
      expect(store.document(DEVICE, "reported")).toBeUndefined();
      store.transaction(() => store.removeDocument(DEVICE, "desired"));
      expect(store.document(DEVICE, "desired")).toBeUndefined();
    });

    test("returns records as they were appended, in order of arrival, per device and stream", () => {
      const stored = store.transaction(() => [
        ...store.appendRecords([recordOf(1), recordOf(2, { clock: "unset", replay: true })]),
        ...store.appendRecords([
          recordOf(1, { stream: "play", kind: "play", body: { item: "x" } }),
          recordOf(1, { device: OTHER }),
        ]),
      ]);
      expect(new Set(stored.map((row) => row.cursor)).size).toBe(4);
      const newest = store.records({ device: DEVICE, streams: ["event", "play"], limit: 10 });
      expect(newest).toEqual([stored[2], stored[1], stored[0]]);
      const first = store.records({ device: DEVICE, streams: ["event", "play"], limit: 2, after: 0 });
      expect(first).toEqual([stored[0], stored[1]]);
      expect(store.records({ device: DEVICE, streams: ["event", "play"], limit: 2, after: stored[1]?.cursor ?? 0 })).toEqual([
        stored[2],
      ]);
      expect(store.records({ device: DEVICE, streams: ["event"], limit: 1, before: stored[1]?.cursor ?? 0 })).toEqual([
        stored[0],
      ]);
      expect(store.records({ device: DEVICE, streams: ["event", "play"], kind: "play", limit: 5 })).toEqual([stored[2]]);
      expect(store.records({ device: DEVICE, streams: [], limit: 5 })).toEqual([]);
    });

    test("refuses a whole batch with a record that is already stored", () => {
      store.transaction(() => store.appendRecords([recordOf(1)]));
      expect(() => store.transaction(() => store.appendRecords([recordOf(2), recordOf(1)]))).toThrow(/stored already|UNIQUE/);
      expect(store.recordCount(DEVICE, "event")).toBe(1);
      store.transaction(() => store.appendRecords([recordOf(1, { log: "log-2" }), recordOf(1, { stream: "alarm" })]));
      expect(store.recordCount(DEVICE, "event")).toBe(2);
    });

    test("knows whether a record is stored, hidden or not", () => {
      store.transaction(() => store.appendRecords([recordOf(1), recordOf(2, { hidden: true })]));
      const has = (seq: number, log = "log-1", device = DEVICE): boolean => store.hasRecord(device, log, "event", seq);
      expect([has(1), has(2), has(3), has(1, "log-2"), has(1, "log-1", OTHER)]).toEqual([true, true, false, false, false]);
      expect(store.hasRecord(DEVICE, "log-1", "play", 1)).toBe(false);
    });

    test("counts hidden records but does not list them", () => {
      store.transaction(() => store.appendRecords([recordOf(1, { hidden: true }), recordOf(2)]));
      expect(store.records({ device: DEVICE, streams: ["event"], limit: 5 }).map(({ seq }) => seq)).toEqual([2]);
      expect(store.recordCount(DEVICE, "event")).toBe(2);
    });

    test("returns telemetry by device time, oldest first, and the newest if there is more than the limit", () => {
      const metric = (seq: number, wallMs: number): NewRecord =>
        recordOf(seq, { stream: "metric", kind: "telemetry", wallMs, body: { intervalMs: 1, metrics: {} } });
      store.transaction(() =>
        store.appendRecords([
          metric(1, 500),
          metric(2, 300),
          metric(3, 400),
          metric(4, 900),
          recordOf(5, { stream: "metric", kind: "gap", wallMs: 400 }),
        ]),
      );
      expect(store.telemetry(DEVICE, 300, 500, 10).map(({ seq }) => seq)).toEqual([2, 3, 1]);
      expect(store.telemetry(DEVICE, 300, 500, 2).map(({ seq }) => seq)).toEqual([3, 1]);
      expect(store.telemetry(OTHER, 0, 1_000, 10)).toEqual([]);
    });

    test("keeps positions by log and stream", () => {
      store.transaction(() => {
        store.putPosition(DEVICE, "log-1", "event", { upTo: 5, holes: [] }, 10);
        store.putPosition(
          DEVICE,
          "log-2",
          "play",
          {
            upTo: 9,
            holes: [
              [1, 2],
              [4, 4],
            ],
          },
          20,
        );
        store.putPosition(DEVICE, "log-1", "event", { upTo: 6, holes: [] }, 30);
      });
      expect(store.position(DEVICE, "log-1", "event")).toEqual({ upTo: 6, holes: [] });
      expect(store.position(DEVICE, "log-1", "metric")).toEqual({ upTo: 0, holes: [] });
      expect(store.positions(DEVICE)).toEqual([
        { log: "log-1", firstSeenMs: 10, streams: { event: { upTo: 6, holes: [] } } },
        {
          log: "log-2",
          firstSeenMs: 20,
          streams: {
            play: {
              upTo: 9,
              holes: [
                [1, 2],
                [4, 4],
              ],
            },
          },
        },
      ]);
      expect(store.positions(OTHER)).toEqual([]);
    });

    test("finds commands by attempt, number, state, open or final", () => {
      store.transaction(() => {
        store.putCommand(commandRow("c1", 1, { state: "succeeded" }));
        store.putCommand(commandRow("c2", 2));
        store.putCommand(commandRow("c3", 3, { internal: true }));
        store.putCommand(commandRow("c1", 4, { attempt: 2, state: "running" }));
        store.putCommand(commandRow("c9", 1, { device: OTHER }));
      });
      const ids = (rows: readonly CommandRow[]): string[] => rows.map(({ id, attempt }) => `${id}/${attempt}`);
      expect(store.command(DEVICE, "c1")?.attempt).toBe(2);
      expect(store.command(DEVICE, "c1", 1)?.state).toBe("succeeded");
      expect(store.command(DEVICE, "c1", 3)).toBeUndefined();
      expect(ids(store.commands({ device: DEVICE, limit: 10, internal: false }))).toEqual(["c1/2", "c2/1", "c1/1"]);
      expect(ids(store.commands({ device: DEVICE, limit: 2, internal: true, before: 4 }))).toEqual(["c3/1", "c2/1"]);
      expect(ids(store.commands({ device: DEVICE, limit: 10, internal: true, state: "open" }))).toEqual(["c1/2", "c3/1", "c2/1"]);
      expect(ids(store.commands({ device: DEVICE, limit: 10, internal: true, state: "final" }))).toEqual(["c1/1"]);
      expect(ids(store.commands({ device: DEVICE, limit: 10, internal: true, state: "running" }))).toEqual(["c1/2"]);
      expect(ids(store.openCommands(DEVICE))).toEqual(["c2/1", "c3/1", "c1/2"]);
      expect(store.openCommands()).toHaveLength(4);
    });

    test("finds uploads by id, token, purpose and state, newest first", () => {
      store.transaction(() => {
        store.putUpload(uploadRow("u1", 1));
        store.putUpload(uploadRow("u2", 2, { purpose: "screenshot", state: "complete", internal: true }));
        store.putUpload(uploadRow("u3", 3, { device: OTHER }));
        store.putUpload(uploadRow("u1", 1, { state: "receiving" }));
      });
      expect(store.upload("u1")?.state).toBe("receiving");
      expect(store.uploadByToken("t-u2")?.id).toBe("u2");
      expect(store.uploads({ device: DEVICE, limit: 5, internal: true }).map(({ id }) => id)).toEqual(["u2", "u1"]);
      expect(store.uploads({ device: DEVICE, limit: 5, internal: false }).map(({ id }) => id)).toEqual(["u1"]);
      expect(store.uploads({ purpose: "screenshot", state: "complete", limit: 5, internal: true }).map(({ id }) => id)).toEqual([
        "u2",
      ]);
      store.transaction(() => store.removeUpload("u2"));
      expect(store.uploadByToken("t-u2")).toBeUndefined();
    });

    test("prunes the oldest rows beyond the caps, reports how many, and never reuses a cursor", () => {
      const caps = { records: { outcome: 10, alarm: 10, play: 10, event: 3, metric: 0 }, hidden: 1, commands: 1 };
      const rows = store.transaction(() => store.appendRecords([1, 2, 3, 4, 5].map((seq) => recordOf(seq))));
      store.transaction(() => {
        store.appendRecords([1, 2].map((seq) => recordOf(seq, { stream: "metric", kind: "telemetry" })));
        store.appendRecords([1, 2, 3].map((seq) => recordOf(seq, { stream: "outcome", kind: "command", hidden: true })));
        for (const number of [1, 2, 3]) store.putCommand(commandRow(`c${number}`, number, { state: "failed" }));
        store.putCommand(commandRow("c4", 4));
      });
      expect(store.prune(caps, 1)).toEqual({ event: 1 });
      expect(store.prune(caps, 100)).toEqual({ event: 1, metric: 2, hidden: 2, commands: 2 });
      expect(store.prune(caps, 100)).toEqual({});
      expect(store.records({ device: DEVICE, streams: ["event"], limit: 9 }).map(({ seq }) => seq)).toEqual([5, 4, 3]);
      expect(store.commands({ device: DEVICE, limit: 9, internal: true }).map(({ id }) => id)).toEqual(["c4", "c3"]);
      expect(store.counter("pruned.event")).toBe(2);
      const [next] = store.transaction(() => store.appendRecords([recordOf(9)]));
      expect(next?.cursor).toBeGreaterThan((rows.at(-1)?.cursor ?? 0) + 5);
    });

    test("prunes no more rows than the budget, whatever kinds and devices they belong to", () => {
      const caps = { records: { outcome: 0, alarm: 0, play: 0, event: 0, metric: 0 }, hidden: 0, commands: 0 };
      store.transaction(() => {
        for (const device of [DEVICE, OTHER]) {
          store.appendRecords([recordOf(1, { device }), recordOf(2, { device, hidden: true })]);
          store.putCommand(commandRow("c1", 1, { device, state: "failed" }));
          store.putCommand(commandRow("c2", 2, { device, state: "failed", internal: true }));
        }
      });
      const rounds = Array.from({ length: 4 }, () => Object.values(store.prune(caps, 3)).reduce((sum, count) => sum + count, 0));
      expect(rounds).toEqual([3, 3, 2, 0]);
    });

    test("removes all data of a device and none of another", () => {
      store.transaction(() => {
        store.appendRecords([recordOf(1), recordOf(1, { device: OTHER })]);
        store.putDocument({ device: DEVICE, kind: "profile", version: 0, atMs: 1, document: {} });
        store.putCommand(commandRow("c1", 1));
        store.putUpload(uploadRow("u1", 1));
        store.putPosition(DEVICE, "log-1", "event", { upTo: 1, holes: [] }, 1);
      });
      store.transaction(() => store.removeDevice(DEVICE));
      expect(store.device(DEVICE)).toBeUndefined();
      expect([store.document(DEVICE, "profile"), store.command(DEVICE, "c1"), store.upload("u1")]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(store.positions(DEVICE)).toEqual([]);
      expect(store.recordCount(OTHER, "event")).toBe(1);
      store.transaction(() => {
        store.putDevice(deviceRow());
        store.appendRecords([recordOf(1)]);
      });
      expect(store.recordCount(DEVICE, "event")).toBe(1);
    });

    test("treats hostile names as plain names", () => {
      const nasty = ["__proto__", "constructor", "toString", "'; DROP TABLE records; --", "\u0000x"];
      store.transaction(() => {
        for (const [at, kind] of nasty.entries())
          store.appendRecords([
            recordOf(at + 1, {
              kind,
              boot: kind,
              log: kind,
              body: JSON.parse(`{"__proto__":{"x":1},"k":${JSON.stringify(kind)}}`) as NewRecord["body"],
            }),
          ]);
      });
      const rows = store.records({ device: DEVICE, streams: ["event"], limit: 10, after: 0 });
      expect(rows.map(({ kind }) => kind)).toEqual(nasty);
      expect(Object.keys(rows[0]?.body ?? {})).toEqual(["__proto__", "k"]);
      expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    });

    test("has the same content after it was closed and opened again", () => {
      const reopen = bench.reopen ?? ((same: CloudStore) => same);
      store.transaction(() => {
        store.appendRecords([recordOf(1), recordOf(2)]);
        store.putPosition(DEVICE, "log-1", "event", { upTo: 2, holes: [] }, 1);
        store.putCommand(commandRow("c1", 1));
      });
      const before = store.records({ device: DEVICE, streams: ["event"], limit: 9 });
      store = reopen(store);
      expect(store.records({ device: DEVICE, streams: ["event"], limit: 9 })).toEqual(before);
      expect(store.position(DEVICE, "log-1", "event").upTo).toBe(2);
      expect(store.openCommands()).toHaveLength(1);
      const [next] = store.transaction(() => store.appendRecords([recordOf(3)]));
      expect(next?.cursor).toBeGreaterThan(before[0]?.cursor ?? 0);
    });
  });
}
