import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** One source file. `path` is relative to the root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const FOLDERS = ["agent", "player-host", "platform", "scripts"];

/** Reads all files below the four source folders whose names end in one of `extensions`, sorted by path. */
export async function readTree(root: string, extensions: readonly string[] = [".ts", ".mjs"]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const folder of FOLDERS) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !extensions.some((extension) => entry.name.endsWith(extension))) continue;
      const full = join(entry.parentPath, entry.name);
      if (full.includes("node_modules")) continue;
      files.push({ path: full.slice(root.length + 1).replaceAll("\\", "/"), text: await readFile(full, "utf8") });
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}
