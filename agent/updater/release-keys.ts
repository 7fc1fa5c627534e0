import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Public keys of releases: each line of each `*.pub` file in these folders is one raw Ed25519 key, base64url. A later folder adds to the earlier. */
export async function readReleaseKeys(folders: readonly string[]): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const folder of folders.filter((each) => existsSync(each))) {
    for (const name of (await readdir(folder)).filter((each) => each.endsWith(".pub")).sort()) {
      const lines = (await readFile(join(folder, name), "utf8")).split("\n").map((line) => line.trim());
      keys.push(...lines.filter((line) => line !== "" && !line.startsWith("#")));
    }
  }
  return keys;
}
