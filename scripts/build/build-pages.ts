import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import type { Pages } from "./bundles.ts";

/**
 * Copies a folder of pages without its TypeScript files and bundles its top-level `*.dom.ts` files beside them:
 * `app.dom.ts` becomes `app.js`, an ES module.
 */
export async function buildPages(root: string, { from, to }: Pages): Promise<string[]> {
  const source = join(root, from);
  const entries = (await readdir(source)).filter((name) => name.endsWith(".dom.ts"));
  await cp(source, join(root, to), { recursive: true, filter: (path) => !path.endsWith(".ts") });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((name) => ({ in: join(from, name), out: name.replace(/\.dom\.ts$/, "") })),
    outdir: to,
    bundle: true,
    platform: "browser",
    target: "chrome94",
    format: "esm",
    sourcemap: "linked",
    logLevel: "warning",
    metafile: true,
  });
  return [...Object.keys(metafile.outputs), to];
}
