import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { VirtualAgent } from "../../../scripts/bench/harness/virtual-agent.ts";
import { openDatabase } from "./open-database.ts";
import { DOCUMENT_SCHEMA, SqliteDocumentStore } from "./sqlite-document-store.ts";
import type { SqliteFile } from "./sqlite-file.ts";
import type { StorageIssue } from "./storage-issue.ts";

/** Records which documents were read, and how many of those reads found damage. */
class WatchedStore extends SqliteDocumentStore {
  readonly damaged = new Set<string>();

  override async get(key: string): Promise<Result<JsonObject | undefined, StorageIssue>> {
    const found = await super.get(key);
    if (!found.ok) this.damaged.add(`${key} ${found.error.code}`);
    return found;
  }
}

/** Every document that the agent reads. */
const KEYS = [
  "alarms.open", "cloud.endpoints", "cloud.endpoints.copy", "cloud.session", "content.showing", "desired.current", "desired.overrides",
  "desired.previous", "inventory", "network.change", "network.change.copy", "owner", "owner.copy", "reported.versions",
];

let folder = "";
let file: SqliteFile;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-read-damage-"));
  const opened = openDatabase(join(folder, "state.sqlite"), DOCUMENT_SCHEMA);
  if (opened.kind !== "open") throw new Error(opened.why.message);
  ({ file } = opened);
});
afterEach(() => {
  file.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a document damaged after opening is an error value for each reader: the agent starts and comes online", async () => {
  const insert = file.database.prepare("INSERT INTO document (name, version, crc, value) VALUES (?, 1, 0, '{}')");
  for (const key of KEYS) insert.run(key);
  const store = new WatchedStore(file, 1, undefined);
  const device = await VirtualAgent.start(folder, new Set(), store);
  await device.time.advance(60_000);
  expect(device.agent.link.status().kind).toBe("online");
  await device.stop();
  expect([...store.damaged].sort()).toEqual(KEYS.map((key) => `${key} storage.corrupt`));
});

test("an unreadable page is an error value too, and overwriting it is refused with the reason", async () => {
  const store = new SqliteDocumentStore(file, 0, undefined);
  await store.put({ a: { n: 1 } });
  file.database.exec("DROP TABLE document");
  expect(await store.get("a")).toMatchObject({ ok: false, error: { code: "storage.corrupt" } });
  expect(await store.put({ a: { n: 2 } })).toMatchObject({ ok: false, error: { code: "storage.corrupt" } });
});
