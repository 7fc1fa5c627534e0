import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { valuesOf, type ValuesOf } from "../storage/testing/values-of.ts";
import { entryBytes, type JournalStore } from "./journal-store.ts";
import { entry, final, OWNER } from "./testing/journal-entries.ts";

/** How an implementation is made and taken down for one test. */
export interface JournalStoreSubject {
  readonly store: JournalStore;
  /** The same disk after the process ended. */
  reopen?(): Promise<JournalStore>;
  close(): Promise<void>;
}

const KEEP_ALL = { finishedBeforeWallMs: 0, entriesMax: 1_000, bytesMax: 1_000_000_000 };

/** What every `JournalStore` keeps. */
export function describeJournalStore(name: string, outlivesItsProcess: boolean, make: () => Promise<JournalStoreSubject>): void {
  describe(`journal store: ${name}`, () => {
    let subject: JournalStoreSubject;
    let store: ValuesOf<JournalStore>;
    beforeEach(async () => {
      subject = await make();
      store = valuesOf(subject.store);
    });
    afterEach(() => subject.close());

    it("gives back what was put, and nothing for what was not", async () => {
      await store.put(entry(1));
      expect(await store.get("c1", 1)).toEqual(entry(1));
      expect(await store.get("c1", 2)).toBeUndefined();
      expect(await store.get("c2", 1)).toBeUndefined();
    });

    it("replaces by key and keeps the order of arrival", async () => {
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

    it("keeps attempts of one id apart", async () => {
      await store.put(entry(1, { id: "a", attempt: 1 }));
      await store.put(entry(2, { id: "a", attempt: 2 }));
      expect((await store.get("a", 2))?.number).toBe(2);
      expect(await store.unfinished()).toHaveLength(2);
    });

    it("gives what it keeps as it was, not as the caller changed it since", async () => {
      const params = { line: "GPIO17" };
      await store.put(entry(1, { params }));
      params.line = "GPIO4";
      expect((await store.get("c1", 1))?.params).toEqual({ line: "GPIO17" });
    });

    it("knows who holds a number, per owner, and the first of several", async () => {
      await store.put(entry(5, { id: "first" }));
      await store.put(entry(5, { id: "second" }));
      expect(await store.numberHolder(OWNER, 5)).toEqual({ id: "first", attempt: 1 });
      expect(await store.numberHolder(OWNER, 6)).toBeUndefined();
      expect(await store.numberHolder("another", 5)).toBeUndefined();
    });

    it("knows which command a cancel with a number came for", async () => {
      expect(await store.numberHolder(OWNER, 9)).toBeUndefined();
      await store.put(entry(5, { id: "first" }));
      await store.put(entry(5, { id: "first", cancelNumber: 9 }));
      expect(await store.numberHolder(OWNER, 9)).toEqual({ id: "first", attempt: 1 });
      expect(await store.numberHolder("another", 9)).toBeUndefined();
    });

    it("counts as unfinished what is final and not handed over", async () => {
      await store.put(entry(1, { state: final(1, 10, false) }));
      await store.put(entry(2, { state: final(2, 10, true) }));
      expect((await store.unfinished()).map(({ id }) => id)).toEqual(["c1"]);
    });

    it("forgets what finished long ago and raises the floor", async () => {
      await store.put(entry(7, { state: final(7, 100, true) }));
      await store.put(entry(8, { state: final(8, 200, true) }));
      expect(await store.floor(OWNER)).toBe(0);
      expect(await store.prune({ ...KEEP_ALL, finishedBeforeWallMs: 150 })).toBe(1);
      expect(await store.get("c7", 1)).toBeUndefined();
      expect(await store.get("c8", 1)).toBeDefined();
      expect(await store.floor(OWNER)).toBe(7);
      expect(await store.floor("another")).toBe(0);
    });

    it("raises the floor over the number of a cancel that came for what it forgets", async () => {
      await store.put(entry(7, { state: final(7, 100, true), cancelNumber: 9 }));
      expect(await store.prune({ ...KEEP_ALL, finishedBeforeWallMs: 150 })).toBe(1);
      expect(await store.floor(OWNER)).toBe(9);
    });

    it("never forgets what is not done, over any limit", async () => {
      await store.put(entry(1));
      await store.put(entry(2, { state: { kind: "running", started: { wallMs: 1, boot: "boot-1" } } }));
      await store.put(entry(3, { state: final(3, 0, false) }));
      expect(await store.prune({ finishedBeforeWallMs: 1e15, entriesMax: 0, bytesMax: 0 })).toBe(0);
      expect(await store.unfinished()).toHaveLength(3);
    });

    it("keeps at most so many entries and bytes, the oldest go first, and the floor never goes down", async () => {
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
    it("finds everything again after the process ended", async () => {
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
