import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import type { NewRow, OutboxOpening, OutboxStore } from "./outbox-store.ts";

/** One store on one disk, which can be opened again. */
export interface StoreUnderTest {
  open(): Promise<OutboxOpening>;
  /** Kills the process; what was synced is there at the next `open`. */
  crash(): Promise<void>;
  dispose(): Promise<void>;
}

/** What every implementation of `OutboxStore` must do. `capBytes` is passed to the factory. */
export function describeOutboxStore(name: string, make: (capBytes: number) => Promise<StoreUnderTest>): void {
  describe(`${name} as an outbox store`, () => {
    let disk: StoreUnderTest;
    let opening: OutboxOpening;
    let store: OutboxStore;

    const reopen = async (): Promise<void> => {
      opening = await disk.open();
      store = opening.store;
    };

    beforeEach(async () => {
      disk = await make(CAP_BYTES);
      await reopen();
    });
    afterEach(() => disk.dispose());

    test("a new store is empty, on disk, and has an id", () => {
      expect(opening.degraded).toBeUndefined();
      expect(opening.losses).toEqual([]);
      expect(opening.contents.log).toMatch(/^[0-9a-f]{24}$/);
      for (const stream of STREAMS) expect(opening.contents.streams[stream]).toEqual({ stored: 0, oldest: 1, newest: 0 });
    });

    test("rows are read back unchanged, even after a restart or a crash", async () => {
      const rows = STREAMS.flatMap((stream) => [row(stream, 1), row(stream, 2, { body: '{"text":"ä𝄞\\u0000"}', dedupeKey: "k" })]);
      expect(await store.commit({ add: rows }, true)).toEqual({ ok: true, value: undefined });
      const check = async (): Promise<void> => {
        for (const stream of STREAMS) {
          const found = await readAll(store, stream);
          expect(found).toEqual([
            { seq: 1, kind: "page", segment: 1, monoMs: 1001, body: '{"n":1}', bytes: 7 },
            { seq: 2, kind: "page", segment: 1, monoMs: 1002, body: '{"text":"ä𝄞\\u0000"}', bytes: 23 },
          ]);
        }
      };
      await check();
      await store.close();
      await reopen();
      await check();
      await disk.crash();
      await reopen();
      await check();
      expect(opening.contents.keys.filter(({ key }) => key === "k")).toHaveLength(STREAMS.length);
    });

    test("a read keeps to its range and limits, but returns at least one row", async () => {
      await store.commit({ add: rowsOf("event", 1, 20) }, true);
      expect(await seqs(store, 5, 12, 100, 1e6)).toEqual([6, 7, 8, 9, 10, 11, 12]);
      expect(await seqs(store, 0, 20, 3, 1e6)).toEqual([1, 2, 3]);
      expect(await seqs(store, 0, 20, 100, 1)).toEqual([1]);
      expect(await seqs(store, 20, 30, 100, 1e6)).toEqual([]);
    });

    test("dropped rows are gone and their numbers stay used, even in an empty store", async () => {
      await store.commit({ add: rowsOf("play", 1, 10) }, true);
      await store.commit({ dropUpTo: { play: 4 }, stored: { play: 4 }, dropOne: [{ stream: "play", seq: 7 }] }, true);
      expect((await readAll(store, "play")).map((found) => found.seq)).toEqual([5, 6, 8, 9, 10]);
      await store.close();
      await reopen();
      expect(opening.contents.streams.play).toEqual({ stored: 4, oldest: 5, newest: 10 });
      await store.commit({ dropUpTo: { play: 9 }, dropOne: [{ stream: "play", seq: 10 }] }, true);
      await store.close();
      await reopen();
      expect(opening.contents.streams.play).toEqual({ stored: 4, oldest: 11, newest: 10 });
    });

    test("long ranges are dropped completely", async () => {
      for (let from = 1; from <= 5_000; from += 500) await store.commit({ add: rowsOf("event", from, from + 499) }, true);
      await store.commit({ dropUpTo: { event: 4_321 } }, false);
      expect(await seqs(store, 0, 5_000, 1, 1)).toEqual([4_322]);
    });

    test("segments, losses, the log's id and recent keys survive a restart; later ones replace earlier ones", async () => {
      const segment = { id: 1, boot: "boot-a", quality: "unset" as const, offsetMs: -5, sinceMonoMs: 9 };
      const gap = { stream: "event" as const, reason: "rate" as const, source: "page", count: 3 };
      await store.commit({ segments: [segment], gaps: [gap, { ...gap, stream: "play" }], add: [row("event", 1, { dedupeKey: "again" })] }, true);
      await store.commit({ segments: [{ ...segment, quality: "synced" }], gaps: [{ ...gap, from: 1, to: 4, count: 7, carrier: 2 }, { ...gap, stream: "play", count: 0 }], log: "0".repeat(24) }, true);
      await store.commit({ dropUpTo: { event: 1 } }, true);
      await store.close();
      await reopen();
      expect(opening.contents.log).toBe("0".repeat(24));
      expect(opening.contents.segments).toEqual([{ ...segment, quality: "synced" }]);
      expect(opening.contents.gaps).toEqual([{ ...gap, from: 1, to: 4, count: 7, carrier: 2 }]);
      expect(opening.contents.keys).toEqual([{ key: "again", seq: 1 }]);
    });

    test("a change over the cap fails as a whole, and dropping makes room again", async () => {
      let seq = 0;
      let refused: string | undefined;
      while (refused === undefined && seq < 100_000) {
        const done = await store.commit({ add: rowsOf("metric", seq + 1, seq + 100, "x".repeat(1_000)) }, false);
        if (done.ok) seq += 100;
        else refused = done.error.code;
      }
      expect(refused).toBe("storage.full");
      expect(seq).toBeGreaterThan(300);
      expect(store.usage().bytes).toBeLessThanOrEqual(CAP_BYTES);
      expect(await seqs(store, seq, seq + 100, 10, 1e6, "metric")).toEqual([]);
      expect((await store.commit({ dropUpTo: { metric: 300 } }, false)).ok).toBe(true);
      expect((await store.commit({ add: rowsOf("outcome", 1, 50, "x".repeat(1_000)) }, true)).ok).toBe(true);
    });

    test("an emptied store accepts as much as before", async () => {
      let seq = 0;
      for (let round = 0; round < 3; round += 1) {
        const start = seq;
        for (; seq < start + 1_000; seq += 100) expect((await store.commit({ add: rowsOf("event", seq + 1, seq + 100, "x".repeat(1_000)) }, false)).ok).toBe(true);
        expect((await store.commit({ dropUpTo: { event: seq } }, false)).ok).toBe(true);
      }
      expect(store.usage().bytes).toBeLessThanOrEqual(CAP_BYTES);
    });
  });
}

const CAP_BYTES = 4 * 1024 * 1024;

function row(stream: Stream, seq: number, more: Partial<NewRow> = {}): NewRow {
  return { stream, seq, kind: "page", segment: 1, monoMs: 1_000 + seq, body: `{"n":${seq}}`, ...more };
}

function rowsOf(stream: Stream, from: number, to: number, padding = ""): NewRow[] {
  return Array.from({ length: to - from + 1 }, (_, i) => row(stream, from + i, { body: JSON.stringify({ n: from + i, padding }) }));
}

async function readAll(store: OutboxStore, stream: Stream) {
  const found = await store.read(stream, { after: 0, upTo: 1e9, rowsMax: 1e6, bytesMax: 1e9 });
  if (!found.ok) throw new Error(found.error.message);
  expect(found.value.damaged).toEqual([]);
  return found.value.rows.map(({ seq, kind, segment, monoMs, body, bytes }) => ({ seq, kind, segment, monoMs, body, bytes }));
}

async function seqs(store: OutboxStore, after: number, upTo: number, rowsMax: number, bytesMax: number, stream: Stream = "event"): Promise<number[]> {
  const found = await store.read(stream, { after, upTo, rowsMax, bytesMax });
  return found.ok ? found.value.rows.map((one) => one.seq) : [];
}
