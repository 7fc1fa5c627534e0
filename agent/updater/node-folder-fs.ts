import { existsSync } from "node:fs";
import { mkdir, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { readIfThere, syncFolder, writeDurably } from "../../platform/node/durable-file.ts";
import type { FolderFs } from "./folder-fs.ts";

/** The machine's own file system. */
export const nodeFolderFs: FolderFs = {
  exists: (path) => Promise.resolve(existsSync(path)),
  readText: readIfThere,
  writeText: writeDurably,
  readLink: async (path) => {
    try {
      return await readlink(path);
    } catch (thrown) {
      // EINVAL: something that is not a link, which only damage can put there.
      if (["ENOENT", "EINVAL", "ENOTDIR"].includes((thrown as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw thrown;
    }
  },
  symlink: (target, path) => symlink(target, path),
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { recursive: true, force: true }),
  makeFolder: async (path) => void (await mkdir(path, { recursive: true, mode: 0o755 })),
  list: (folder) => readdir(folder),
  sync: syncFolder,
};
