import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const FOLDERS = ["agent", "player-host", "platform", "scripts/dev-cloud", "scripts/build"];
const FILES = ["package-lock.json", "tsconfig.json"];

/** Hash of the names, sizes and times of all source files. Takes a few milliseconds. */
export async function hashInputs(root: string): Promise<string> {
  const paths = [...FILES];
  for (const folder of FOLDERS) {
    // Old commits may not have every folder.
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isFile() && !entry.name.endsWith(".test.ts")) paths.push(join(entry.parentPath, entry.name));
  }
  const hash = createHash("sha256");
  for (const path of paths.map((path) => (path.startsWith(root) ? path : join(root, path))).sort()) {
    const { size, mtimeMs } = await stat(path);
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}
