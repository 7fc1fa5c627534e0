import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { folderFsConformance } from "./folder-fs.conformance.ts";
import { MemoryFolderFs, type FolderEntries } from "./memory-folder-fs.ts";
import { nodeFolderFs } from "./node-folder-fs.ts";

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

describe("the machine's file system", () => {
  folderFsConformance(() => {
    const root = mkdtempSync(join(tmpdir(), "vitrine-folder-fs-"));
    made.push(root);
    return { fs: nodeFolderFs, root };
  });
});

describe("entries in memory", () => {
  folderFsConformance(() => {
    let kept: FolderEntries = { "/releases": "/" };
    return { fs: new MemoryFolderFs(() => kept, (entries) => (kept = entries)), root: "/releases" };
  });
});
