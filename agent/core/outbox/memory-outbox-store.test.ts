import { expect, test } from "vitest";
import { MemoryDisk } from "./memory-outbox-store.ts";
import { describeOutboxStore } from "./outbox-store.conformance.ts";

describeOutboxStore("memory", async (capBytes) => {
  const disk = new MemoryDisk("f".repeat(24), capBytes);
  return {
    open: async () => disk.open(),
    crash: async () => disk.crash(),
    dispose: async () => undefined,
  };
});

const row = (seq: number) => ({ stream: "event" as const, seq, kind: "page", segment: 1, monoMs: 1, body: "{}" });

test("a crash keeps everything synced and a random prefix of the later changes", async () => {
  const disk = new MemoryDisk("f".repeat(24), 1e6);
  const { store } = disk.open();
  await store.commit({ add: [row(1)] }, true);
  await store.commit({ add: [row(2)] }, false);
  await store.commit({ add: [row(3)] }, false);
  expect(disk.unsyncedChanges).toBe(2);
  disk.crash(1);
  expect(disk.open().contents.streams.event).toEqual({ stored: 0, oldest: 1, newest: 2 });
  expect((await store.commit({ add: [row(4)] }, true)).ok).toBe(false);
});

test("a sync interrupted by a power cut is not reported as done", async () => {
  const gate: { open?: () => void } = {};
  const disk = new MemoryDisk("f".repeat(24), 1e6, { sync: () => new Promise((resolve) => (gate.open = resolve)) });
  const { store } = disk.open();
  const commit = store.commit({ add: [row(1)] }, true);
  disk.crash();
  gate.open?.();
  expect((await commit).ok).toBe(false);
  expect(disk.open().contents.streams.event.newest).toBe(0);
});

test("opening syncs what a killed process left unsynced, so that a power cut cannot undo it after it was sent", async () => {
  const disk = new MemoryDisk("f".repeat(24), 1e6);
  await disk.open().store.commit({ add: [row(1)] }, false);
  expect(disk.open().contents.streams.event.newest).toBe(1);
  expect(disk.unsyncedChanges).toBe(0);
  disk.crash();
  expect(disk.open().contents.streams.event.newest).toBe(1);
});

test("the limit is in bytes, whatever the letters, and dropped rows give all of theirs back", async () => {
  const { store } = new MemoryDisk("f".repeat(24), 1_000).open();
  const texts = (seq: number) => ({ ...row(seq), body: JSON.stringify("終".repeat(150)) });
  expect((await store.commit({ add: [texts(1)] }, true)).ok).toBe(true);
  expect(store.usage().bytes).toBeGreaterThan(450);
  expect(await store.commit({ add: [texts(2)] }, true)).toMatchObject({ ok: false, error: { code: "storage.full" } });
  await store.commit({ dropUpTo: { event: 1 } }, true);
  expect(store.usage().bytes).toBe(0);
});
