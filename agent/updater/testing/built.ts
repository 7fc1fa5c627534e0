import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { buildBundle } from "../../../scripts/build/build-bundle.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");

/** Once a test file: a bundle starts several times faster than its sources. */
const bundled = new Map<string, Promise<string>>();
const folders: string[] = [];
// Not when the process exits: the test runner ends its workers by a signal.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A program as it is shipped, from its entry file. */
export function built(entry: string): Promise<string> {
  const found = bundled.get(entry) ?? bundle(entry);
  bundled.set(entry, found);
  return found;
}

async function bundle(entry: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-updater-bundle-"));
  folders.push(folder);
  const output = join(folder, "main.mjs");
  await buildBundle(REPOSITORY, { entry, output, target: "node" });
  return output;
}
