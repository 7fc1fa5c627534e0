import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "../../../scripts/build/build-bundle.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");

/** Once a test process: a bundle starts several times faster than its sources. */
const bundled = new Map<string, Promise<string>>();
/** A program as it is shipped, from its entry file. */
export function built(entry: string): Promise<string> {
  const found = bundled.get(entry) ?? bundle(entry);
  bundled.set(entry, found);
  return found;
}

async function bundle(entry: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-updater-bundle-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const output = join(folder, "main.mjs");
  await buildBundle(REPOSITORY, { entry, output, target: "node" });
  return output;
}
