import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { fail, ok, type Result } from "../../platform/ports/result.ts";
import type { HostVerdict, StageContent } from "../contract/link-messages.ts";
import { diskPackageFolders } from "./disk-package-folders.ts";
import { FileTextStore } from "./file-text-store.ts";
import { PackageStorage } from "../host/package-storage.ts";

let folder: string;
let cleared: string[];
let refuse: boolean;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-storage-"));
  cleared = [];
  refuse = false;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function open(): Promise<PackageStorage> {
  const clearPackageStorage = (id: string): Promise<Result<undefined>> => {
    if (refuse) return Promise.resolve(fail("cache.not-cleared", "no browser"));
    cleared.push(id);
    return Promise.resolve(ok(undefined));
  };
  const storage = new PackageStorage({ list: new FileTextStore(join(folder, "package-storage.json")), folders: diskPackageFolders, shell: { clearPackageStorage }, log: silentLog });
  await storage.load();
  return storage;
}

function packageOf(id: string, name: string): StageContent {
  mkdirSync(join(folder, id), { recursive: true });
  return { kind: "package", id, folder: join(folder, id), entry: "index.html", grants: [], allowedOrigins: [], name };
}

async function plays(storage: PackageStorage, content: StageContent, verdict: HostVerdict = "showing"): Promise<void> {
  storage.begun(content);
  const stage = { kind: "playing", content: content.id, sinceMs: 1, loads: 1 } as const;
  for (let look = 0; look < 3; look += 1) storage.seen({ stage, picture: { verdict, confidence: 0.9, evidence: [] } }, content);
  await storage.settled();
}

test("a version's storage is cleared when the next version is seen on screen, and not before", async () => {
  const storage = await open();
  await plays(storage, packageOf("v1", "menu"));
  await plays(storage, packageOf("v2", "menu"), "unknown");
  expect(cleared).toEqual([]);
  await plays(storage, packageOf("v2", "menu"));
  expect(cleared).toEqual(["v1"]);
});

test("five versions leave the storage of one", async () => {
  const storage = await open();
  for (const id of ["v1", "v2", "v3", "v4", "v5"]) await plays(storage, packageOf(id, "menu"));
  expect(cleared).toEqual(["v1", "v2", "v3", "v4"]);
});

test("packages with different names keep theirs when they alternate, as long as they are on disk", async () => {
  const storage = await open();
  const [day, night] = [packageOf("d1", "day"), packageOf("n1", "night")];
  for (const content of [day, night, day, night]) await plays(storage, content);
  expect(cleared).toEqual([]);
  rmSync(join(folder, "d1"), { recursive: true });
  await plays(storage, packageOf("n2", "night"));
  expect(cleared.sort()).toEqual(["d1", "n1"]);
});

test("storage that could not be cleared before a restart is cleared after it, also while content by address is on", async () => {
  refuse = true;
  const before = await open();
  await plays(before, packageOf("v1", "menu"));
  await plays(before, packageOf("v2", "menu"));
  refuse = false;
  const after = await open();
  await plays(after, packageOf("v2", "menu"));
  expect(cleared).toEqual(["v1"]);
  rmSync(join(folder, "v2"), { recursive: true });
  await plays(after, { kind: "url", id: "https://menu.example/", url: "https://menu.example/", grants: [] });
  expect(cleared).toEqual(["v1", "v2"]);
  await plays(await open(), packageOf("v3", "menu"));
  expect(cleared).toEqual(["v1", "v2"]);
});

test("a damaged list is replaced", async () => {
  writeFileSync(join(folder, "package-storage.json"), "{");
  const storage = await open();
  await plays(storage, packageOf("v1", "menu"));
  await plays(storage, packageOf("v2", "menu"));
  expect(cleared).toEqual(["v1"]);
});
