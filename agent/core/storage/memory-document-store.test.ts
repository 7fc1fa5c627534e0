import { expect, test } from "vitest";
import { describeDocumentStore } from "./document-store.conformance.ts";
import { MemoryDocumentStore } from "./memory-document-store.ts";

describeDocumentStore("memory", async () => {
  const store = new MemoryDocumentStore();
  return { open: async () => store, crash: async () => store.crash(), dispose: async () => undefined };
});

test("a refused write changes nothing", async () => {
  const disk: { refuse?: "storage.full" } = {};
  const store = new MemoryDocumentStore({ refuse: () => disk.refuse });
  await store.put({ a: { n: 1 } });
  disk.refuse = "storage.full";
  expect(await store.put({ a: { n: 2 } })).toMatchObject({ ok: false, error: { code: "storage.full" } });
  expect(await store.get("a")).toEqual({ ok: true, value: { n: 1 } });
});

test("a write interrupted by a crash is not stored", async () => {
  const gate: { open?: () => void } = {};
  const store = new MemoryDocumentStore({ sync: () => new Promise((resolve) => (gate.open = resolve)) });
  const put = store.put({ a: { n: 1 } });
  store.crash();
  gate.open?.();
  expect(await put).toMatchObject({ ok: false, error: { code: "storage.io" } });
  expect(await store.get("a")).toEqual({ ok: true, value: undefined });
});
