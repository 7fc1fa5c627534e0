import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { valuesOf, type ValuesOf } from "../storage/testing/values-of.ts";
import { entryBytes, type JournalStore } from "./journal-store.ts";
import { entry, final, OWNER } from "./testing/journal-entries.ts";

/** One store under test. */
export interface JournalStoreSubject {
  readonly store: JournalStore;
  /** Opens the store again on the same disk, after the process ended. */
  reopen?(): Promise<JournalStore>;
  close(): Promise<void>;
}

const KEEP_ALL = { finishedBeforeWallMs: 0, entriesMax: 1_000, bytesMax: 1_000_000_000 };

/** Tests that every `JournalStore` must pass. */
export function describeJournalStore(name: string, outlivesItsProcess: boolean, make: () => Promise<JournalStoreSubject>): void {
  describe(`journal store: ${name}`, () => {
    let subject: JournalStoreSubject;
    let store: ValuesOf<JournalStore>;
    beforeEach(async () => {
      subject = await make();
      store = valuesOf(subject.store);
    });
    afterEach(() => subject.close());

    it("returns an entry that was put, and undefined for any other", async () => {
      await store.put(entry(1));
      expect(await store.get("c1", 1)).toEqual(entry(1));
      expect(await store.get("c1", 2)).toBeUndefined();
      expect(await store.get("c2", 1)).toBeUndefined();
    });

    it("replaces by key and keeps its place in the order of arrival", async () => {
      for (const number of [3, 1, 2]) await store.put(entry(number));
      const running = entry(3, {
        restarts: 2,
        state: { kind: "running", started: { wallMs: 1, boot: "boot-1" }, note: { pid: 7, on: true, text: "x" } },
      });
      await store.put(running);
      expect(await store.get("c3", 1)).toEqual(running);
      expect((await store.unfinished()).map(({ id }) => id)).toEqual(["c3", "c1", "c2"]);
      expect((await store.recent(2)).map(({ id }) => id)).toEqual(["c2", "c1"]);
    });

    it("keeps attempts of one id separate", async () => {
      await store.put(entry(1, { id: "a", attempt: 1 }));
      await store.put(entry(2, { id: "a", attempt: 2 }));
      expect((await store.get("a", 2))?.number).toBe(2);
      expect(await store.unfinished()).toHaveLength(2);
    });

    it("does not follow later changes to an object that was put", async () => {
      const params = { line: "GPIO17" };
      await store.put(entry(1, { params }));
      params.line = "GPIO4";
      expect((await store.get("c1", 1))?.params).toEqual({ line: "GPIO17" });
    });

    it("finds the command with a number, per owner, and the first of several", async () => {
      await store.put(entry(5, { id: "first" }));
      await store.put(entry(5, { id: "second" }));
      expect(await store.numberHolder(OWNER, 5)).toEqual({ id: "first", attempt: 1 });
      expect(await store.numberHolder(OWNER, 6)).toBeUndefined();
      expect(await store.numberHolder("another", 5)).toBeUndefined();
    });

    it("finds the command by the number of its cancel", async () => {
      expect(await store.numberHolder(OWNER, 9)).toBeUndefined();
      await store.put(entry(5, { id: "first" }));
      await store.put(entry(5, { id: "first", cancelNumber: 9 }));
      expect(await store.numberHolder(OWNER, 9)).toEqual({ id: "first", attempt: 1 });
      expect(await store.numberHolder("another", 9)).toBeUndefined();
    });

    it("lists a final entry as unfinished until it is handed over", async () => {
      await store.put(entry(1, { state: final(1, 10, false) }));
      await store.put(entry(2, { state: final(2, 10, true) }));
      expect((await store.unfinished()).map(({ id }) => id)).toEqual(["c1"]);
    });

    it("prunes entries that finished long ago and raises the floor", async () => {
      await store.put(entry(7, { state: final(7, 100, true) }));
      await store.put(entry(8, { state: final(8, 200, true) }));
      expect(await store.floor(OWNER)).toBe(0);
      expect(await store.prune({ ...KEEP_ALL, finishedBeforeWallMs: 150 })).toBe(1);
      expect(await store.get("c7", 1)).toBeUndefined();
      expect(await store.get("c8", 1)).toBeDefined();
      expect(await store.floor(OWNER)).toBe(7);
      expect(await store.floor("another")).toBe(0);
    });

    it("raises the floor to the cancel number of a pruned entry", async () => {
      await store.put(entry(7, { state: final(7, 100, true), cancelNumber: 9 }));
      expect(await store.prune({ ...KEEP_ALL, finishedBeforeWallMs: 150 })).toBe(1);
      expect(await store.floor(OWNER)).toBe(9);
    });

    it("never prunes an entry that is not done, even beyond the limits", async () => {
      await store.put(entry(1));
      await store.put(entry(2, { state: { kind: "running", started: { wallMs: 1, boot: "boot-1" } } }));
      await store.put(entry(3, { state: final(3, 0, false) }));
      expect(await store.prune({ finishedBeforeWallMs: 1e15, entriesMax: 0, bytesMax: 0 })).toBe(0);
      expect(await store.unfinished()).toHaveLength(3);
    });

    it("keeps to the limits of entries and bytes, prunes the oldest first, and never lowers the floor", async () => {
      for (const number of [4, 2, 6, 5]) await store.put(entry(number, { state: final(number, 100, true) }));
      expect(await store.prune({ ...KEEP_ALL, entriesMax: 3 })).toBe(1);
      expect(await store.floor(OWNER)).toBe(4);
      const twoBytes = entryBytes(entry(6, { state: final(6, 100, true) })) * 2;
      expect(await store.prune({ ...KEEP_ALL, bytesMax: twoBytes })).toBe(1);
      expect(await store.floor(OWNER)).toBe(4);
      expect((await store.recent(10)).map(({ id }) => id)).toEqual(["c5", "c6"]);
    });

    it("counts bytes of UTF-8, whatever the letters", async () => {
      const long = (number: number) => entry(number, { params: { text: "終".repeat(1_000) }, state: final(number, 100, true) });
      for (const number of [1, 2]) await store.put(long(number));
      const twoBytes = Buffer.byteLength(JSON.stringify(long(1))) + Buffer.byteLength(JSON.stringify(long(2)));
      expect(await store.prune({ ...KEEP_ALL, bytesMax: twoBytes })).toBe(0);
      expect(await store.prune({ ...KEEP_ALL, bytesMax: twoBytes - 1 })).toBe(1);
    });

    if (!outlivesItsProcess) return;
    it("keeps everything when the process ends", async () => {
      if (subject.reopen === undefined) throw new Error("the subject cannot be reopened");
      await store.put(entry(1, { state: final(1, 10, true) }));
      await store.put(entry(2));
      await store.put(entry(3, { state: final(3, 10, false) }));
      await store.prune({ ...KEEP_ALL, finishedBeforeWallMs: 11 });
      const again = valuesOf(await subject.reopen());
      expect(await again.floor(OWNER)).toBe(1);
      expect(await again.unfinished()).toEqual([entry(2), entry(3, { state: final(3, 10, false) })]);
      await again.put(entry(4));
      expect((await again.unfinished()).map(({ id }) => id)).toEqual(["c2", "c3", "c4"]);
    });
  });
}
