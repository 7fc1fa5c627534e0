import { cpSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { DocumentStore } from "../../core/storage/document-store.ts";
import { openDocuments, type DocumentsOpening } from "./open-documents.ts";
import { damageFile } from "./testing/damage-files.ts";

const CASES = Number(process.env["VITRINE_DAMAGE_CASES"] ?? 100);
const KEYS = 40;

let root: string;
let whole: string;

function open(folder: string): DocumentsOpening {
  return openDocuments({ path: join(folder, "state.sqlite"), quarantine: join(folder, "quarantine"), quarantineBytesMax: 1e6, clock: new VirtualTime() });
}

async function valueOf(store: DocumentStore, key: string): Promise<JsonObject | undefined> {
  const found = await store.get(key);
  if (!found.ok) throw new Error(found.error.message);
  return found.value;
}

/** Every key is written three times; the last value counts. Odd keys are deleted at the end. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "vitrine-documents-damage-"));
  const folder = join(root, "made");
  const { store } = open(folder);
  for (let version = 1; version <= 3; version += 1) {
    for (let key = 0; key < KEYS; key += 1) await store.put({ [`key-${key}`]: { key, version, text: "x".repeat((key * 97) % 3_000) } });
  }
  for (let key = 1; key < KEYS; key += 2) await store.put({ [`key-${key}`]: null });
  whole = join(root, "whole");
  cpSync(folder, whole, { recursive: true });
  await store.close?.();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each(Array.from({ length: CASES }, (_, n) => n))("random damage %d: the store opens, writes, and returns only documents that were written", async (n) => {
  const random = new SeededRandom(`documents-${n}`);
  const folder = join(root, String(n));
  cpSync(whole, folder, { recursive: true });
  const inLog = random.chance(0.4);
  const damage = damageFile(join(folder, inLog ? "state.sqlite-wal" : "state.sqlite"), random);
  const { store, loss, degraded } = open(folder);
  const note = JSON.stringify({ damage, loss });
  expect(degraded, note).toBeUndefined();
  const isOld = await Promise.all(Array.from({ length: KEYS }, async (_, key) => (await valueOf(store, `key-${key}`))?.["version"] !== (key % 2 === 0 ? 3 : undefined)));
  // Any document that is not in its last version must be covered by a reported loss.
  expect(loss !== undefined || !isOld.includes(true), note).toBe(true);
  for (let key = 0; key < KEYS; key += 1) {
    const value = await valueOf(store, `key-${key}`);
    // An older version is the correct state at an earlier moment, as a truncated WAL leaves it.
    const versions = [undefined, 1, 2, 3];
    expect(versions, note).toContain(value?.["version"]);
    expect([undefined, key], note).toContain(value?.["key"]);
  }
  await store.put({ after: { damage: n } });
  await store.close?.();
  const again = open(folder);
  expect(again.loss, note).toBeUndefined();
  expect(await valueOf(again.store, "after"), note).toEqual({ damage: n });
  await again.store.close?.();
  rmSync(folder, { recursive: true });
});

test("a WAL cut at any frame: the loss is reported, and version numbers continue above it", async () => {
  const { size } = statSync(join(whole, "state.sqlite-wal"));
  for (let bytes = 32; bytes < size; bytes += 9 * 1_048) {
    const folder = join(root, `cut-${bytes}`);
    cpSync(whole, folder, { recursive: true });
    truncateSync(join(folder, "state.sqlite-wal"), bytes);
    const first = open(folder);
    expect(first.loss, `cut at ${bytes}`).toMatchObject({ file: "state.sqlite-wal", why: { code: "storage.corrupt" } });
    await first.store.put({ after: { bytes } });
    await first.store.close?.();
    const again = open(folder);
    expect(again.loss, `cut at ${bytes}`).toBeUndefined();
    expect(await valueOf(again.store, "after")).toEqual({ bytes });
    await again.store.close?.();
    rmSync(folder, { recursive: true });
  }
});
