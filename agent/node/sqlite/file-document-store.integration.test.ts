import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { describeDocumentStore } from "../../core/storage/document-store.conformance.ts";
import { FileDocumentStore, readDocumentFile } from "./file-document-store.ts";
import { openDocuments, type DocumentsOpening } from "./open-documents.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-document-file-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describeDocumentStore("one file", async () => {
  const path = join(folder, "state.fallback.json");
  return {
    open: async () => {
      const texts = readDocumentFile(path);
      return new FileDocumentStore(path, texts instanceof Map ? texts : new Map());
    },
    // It holds no open file: the state on disk is complete.
    crash: async () => {},
    dispose: async () => {},
  };
});

function open(): DocumentsOpening {
  return openDocuments({ path: join(folder, "state.sqlite"), quarantine: join(folder, "quarantine"), quarantineBytesMax: 1e6, clock: new VirtualTime() });
}

test("the next opening moves its documents and deletions to the database and deletes the file", async () => {
  const path = join(folder, "state.fallback.json");
  const first = open();
  await first.store.put({ kept: { n: 1 }, changed: { n: 1 }, deleted: { n: 1 } });
  await first.store.close?.();
  await new FileDocumentStore(path, new Map()).put({ changed: { n: 2 }, deleted: null, added: { n: 2 } });
  expect(statSync(path).mode & 0o777).toBe(0o600);

  for (const _again of ["first", "second"]) {
    const { store, loss } = open();
    const read = async (key: string): Promise<unknown> => ((await store.get(key)) as { value?: unknown }).value;
    expect([loss, await read("kept"), await read("changed"), await read("deleted"), await read("added")]).toEqual([undefined, { n: 1 }, { n: 2 }, undefined, { n: 2 }]);
    await store.close?.();
    expect(readDocumentFile(path)).toBeUndefined();
  }
});

test.each([
  ["garbage", (path: string) => writeFileSync(path, "garbage")],
  ["a value somebody changed", (path: string) => writeFileSync(path, readFileSync(path, "utf8").replace("12345", "12346"))],
  ["a folder", (path: string) => (rmSync(path), mkdirSync(path))],
])("a file that is %s is set aside and reported, and the database is unchanged", async (_what, damage) => {
  const path = join(folder, "state.fallback.json");
  const first = open();
  await first.store.put({ a: { n: 1 } });
  await first.store.close?.();
  await new FileDocumentStore(path, new Map()).put({ a: { n: 12345 } });
  damage(path);
  const { store, loss } = open();
  expect(loss).toMatchObject({ file: "state.fallback.json", why: { code: "storage.corrupt" } });
  expect(await store.get("a")).toEqual({ ok: true, value: { n: 1 } });
  await store.close?.();
});
