import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { zipSync, type Zippable } from "fflate";
import { MANIFEST_NAME, type Manifest } from "../../player-host/contract/manifest.ts";

/** The earliest time in zip files. It is fixed so that the same sources give the same bytes and hash. */
const FIXED_TIME = new Date("1980-01-01T00:00:00");

/**
 * Builds the sample player twice: `dist/sample/` for a web server, and `dist/sample.zip`, a package with a manifest.
 * Returns the paths written, relative to the root.
 */
export async function buildSample(root: string): Promise<string[]> {
  const folder = join(root, "dist/sample");
  const files = await sampleFiles(root);
  const manifest: Manifest = {
    manifest: 1,
    name: "aurora-menu-board",
    version: "1.0.0",
    entry: "index.html",
    files: Object.fromEntries(Object.entries(files).map(([path, data]) => [path, createHash("sha256").update(data).digest("hex")])),
    capabilities: ["gpio"],
    allowedOrigins: [],
  };
  files[MANIFEST_NAME] = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [path, data] of Object.entries(files)) await writeFile(join(folder, path), data);
  const zip: Zippable = Object.fromEntries(Object.entries(files).map(([path, data]) => [path, [data, { mtime: FIXED_TIME, level: 9 }]]));
  await writeFile(join(root, "dist/sample.zip"), zipSync(zip));
  return ["dist/sample", "dist/sample.zip"];
}

async function sampleFiles(root: string): Promise<Record<string, Uint8Array>> {
  const source = join(root, "player-host/sample/content");
  const files: Record<string, Uint8Array> = {};
  for (const name of (await readdir(source)).sort()) files[name] = await readFile(join(source, name));
  const bundled = await build({
    entryPoints: [join(root, "player-host/sample/app.dom.ts")],
    bundle: true,
    format: "iife",
    target: "chrome94",
    write: false,
    logLevel: "warning",
  });
  const script = bundled.outputFiles[0];
  if (script === undefined) throw new Error("the sample's script was not built");
  files["app.js"] = script.contents;
  return files;
}
