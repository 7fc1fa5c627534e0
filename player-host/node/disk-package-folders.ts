import { constants } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import type { PackageFile, PackageFolders } from "../host/package-folders.ts";

/** Packages on the disk. */
export const diskPackageFolders: PackageFolders = {
  async open(folder, path) {
    const root = await realpath(folder).catch(() => undefined);
    // The folder may have been replaced while its page still runs: not an error.
    const real = root === undefined ? undefined : await realpath(join(root, path)).catch(() => undefined);
    if (root === undefined || real === undefined || !real.startsWith(root + sep)) return undefined;
    return openFile(real);
  },

  // A missing folder, or a file in its place, has no names.
  names: (folder, path) => readdir(join(folder, path)).catch(() => []),

  async isGone(folder) {
    try {
      await stat(folder);
      return false;
    } catch (thrown) {
      // Any other error does not prove that it is gone.
      return (thrown as NodeJS.ErrnoException).code === "ENOENT";
    }
  },
};

async function openFile(path: string): Promise<PackageFile | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const stats = await file.stat();
  if (!stats.isFile()) {
    await file.close();
    return undefined;
  }
  return {
    bytes: stats.size,
    changedMs: stats.mtimeMs,
    read: async (from, length) => {
      const bytes = new Uint8Array(length);
      const { bytesRead } = await file.read(bytes, 0, length, from);
      return bytes.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}
