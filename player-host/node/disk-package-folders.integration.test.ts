import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { describePackageFolders } from "../host/package-folders.conformance.ts";
import { diskPackageFolders } from "./disk-package-folders.ts";

function place() {
  const root = mkdtempSync(join(tmpdir(), "vitrine-package-"));
  let packages = 0;
  return {
    folders: diskPackageFolders,
    unpack: async (files: Readonly<Record<string, string>>): Promise<string> => {
      const folder = join(root, `package-${(packages += 1)}`);
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      return folder;
    },
    remove: (folder: string) => rm(folder, { recursive: true }),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
}

describePackageFolders("a folder on the disk", () => Promise.resolve(place()));

test("a link that leads out of the package is not one of its files", async () => {
  const { unpack, dispose } = place();
  const other = await unpack({ "secret.txt": "secret" });
  const folder = await unpack({ "index.html": "x" });
  symlinkSync(join(other, "secret.txt"), join(folder, "link.txt"));
  symlinkSync(dirname(other), join(folder, "up"));
  symlinkSync(join(folder, "index.html"), join(folder, "own.html"));
  const found = await Promise.all(["link.txt", "up/package-1/secret.txt", "own.html"].map((path) => diskPackageFolders.open(folder, path)));
  expect(found.map((file) => file?.bytes)).toEqual([undefined, undefined, 1]);
  await found[2]?.close();
  await dispose();
});

test("a package whose folder cannot be read is not reported as gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-package-"));
  writeFileSync(join(folder, "file"), "");
  expect(await diskPackageFolders.isGone(join(folder, "file", "below"))).toBe(false);
  rmSync(folder, { recursive: true });
});
