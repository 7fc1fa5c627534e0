import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { DocumentStore } from "./document-store.ts";

export interface DocumentsUnderTest {
  open(): Promise<DocumentStore>;
  /** The process is killed. */
  crash(): Promise<void>;
  dispose(): Promise<void>;
}

/** What every implementation of `DocumentStore` must do. */
export function describeDocumentStore(name: string, make: () => Promise<DocumentsUnderTest>): void {
  describe(`${name} as a document store`, () => {
    let disk: DocumentsUnderTest;
    let store: DocumentStore;

    beforeEach(async () => {
      disk = await make();
      store = await disk.open();
    });
    afterEach(() => disk.dispose());

    const read = async (key: string): Promise<JsonObject | undefined> => {
      const found = await store.get(key);
      if (!found.ok) throw new Error(found.error.message);
      return found.value;
    };
    const restart = async (): Promise<void> => {
      await disk.crash();
      store = await disk.open();
    };

    test("a key that was never written is undefined", async () => {
      expect(await read("nothing")).toBeUndefined();
      expect(await read("__proto__")).toBeUndefined();
    });

    test("a stored value survives a crash, and the last value wins", async () => {
      await store.put({ a: { n: 1, text: "ä𝄞", deep: { list: [1, null, "x"] } }, b: {} });
      await store.put({ a: { n: 2 } });
      await restart();
      expect(await read("a")).toEqual({ n: 2 });
      expect(await read("b")).toEqual({});
    });

    test("null deletes permanently", async () => {
      await store.put({ a: { n: 1 }, b: { n: 1 } });
      await store.put({ a: null, never: null });
      await restart();
      expect(await read("a")).toBeUndefined();
      expect(await read("b")).toEqual({ n: 1 });
      await store.put({ a: { n: 2 } });
      await restart();
      expect(await read("a")).toEqual({ n: 2 });
    });

    test("values are copied on put and on get", async () => {
      const value = { list: [1] };
      await store.put({ a: value });
      value.list.push(2);
      const seen = (await read("a")) as { list: number[] };
      seen.list.push(3);
      expect(await read("a")).toEqual({ list: [1] });
    });

    test("overlapping writes are all stored, in order", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, n) => store.put({ shared: { n }, [`own-${n}`]: { n } })));
      await restart();
      expect(await read("shared")).toEqual({ n: 49 });
      for (let n = 0; n < 50; n += 1) expect(await read(`own-${n}`)).toEqual({ n });
    });

    test("a document of 256 KiB is accepted; a larger one is a bug of the caller", async () => {
      const fits = { text: "x".repeat(256 * 1024 - 11) };
      await store.put({ large: fits });
      await restart();
      expect(await read("large")).toEqual(fits);
      await expect(store.put({ large: { text: "x".repeat(256 * 1024) } })).rejects.toThrow(RangeError);
      await expect(store.put({ "": {} })).rejects.toThrow(RangeError);
      expect(await read("large")).toEqual(fits);
    });

    test("old versions of a document do not accumulate", async () => {
      for (let n = 0; n < 500; n += 1) await store.put({ state: { n, padding: "x".repeat(2_000) } });
      expect(await read("state")).toMatchObject({ n: 499 });
    });
  });
}
