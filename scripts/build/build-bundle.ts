import { readdir, rm } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import type { Bundle } from "./bundles.ts";

/**
 * Not bundled: native code, Electron, and the optional accelerators of ws, which are not installed. Bundling everything
 * else saves memory and start time.
 */
const EXTERNAL = ["better-sqlite3", "electron", "bufferutil", "utf-8-validate"];

/** Bundled CommonJS packages still `require` Node's own modules. */
const REQUIRE_FOR_BUNDLED_COMMONJS = 'import { createRequire as vitrineCreateRequire } from "node:module";\nconst require = vitrineCreateRequire(import.meta.url);';

/**
 * An ES import of `node:http` makes Node load every export, undici and http2 included: 3 MiB and 140 ms in the agent. Got
 * as a plain object, only the used exports are loaded.
 */
const HTTP_AS_OBJECT: Plugin = {
  name: "http-as-object",
  setup(build) {
    build.onResolve({ filter: /^node:https?$/ }, ({ path }) => ({ path, namespace: "http-as-object" }));
    build.onLoad({ filter: /.*/, namespace: "http-as-object" }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`, loader: "js" }));
  },
};

const TARGETS: Readonly<Record<Bundle["target"], BuildOptions>> = {
  node: {
    platform: "node",
    target: "node24",
    format: "esm",
    // V8 keeps the source text in memory, so it is minified. Names are kept and lines are short, for readable stacks.
    minifyWhitespace: true,
    lineLimit: 160,
    // A lazily imported module stays a separate file that is loaded only when needed.
    splitting: true,
    banner: { js: REQUIRE_FOR_BUNDLED_COMMONJS },
    external: EXTERNAL,
    plugins: [HTTP_AS_OBJECT],
  },
  preload: { platform: "node", target: "node24", format: "cjs", external: EXTERNAL },
  // Chromium 94 is the engine of the oldest panels still sold (Tizen 7, webOS 23).
  page: { platform: "browser", target: "chrome94", format: "iife" },
};

/** Bundles one entry and removes parts left by an earlier build. Returns the files written. */
export async function buildBundle(root: string, { entry, output, target }: Bundle): Promise<string[]> {
  const name = basename(output, extname(output));
  const { metafile } = await build({
    ...TARGETS[target],
    absWorkingDir: root,
    entryPoints: [{ in: entry, out: name }],
    outdir: dirname(output),
    outExtension: { ".js": extname(output) },
    chunkNames: `${name}-parts/[name]-[hash]`,
    bundle: true,
    treeShaking: true,
    sourcemap: "linked",
    logLevel: "warning",
    metafile: true,
  });
  await removeOldParts(root, join(dirname(output), `${name}-parts`), metafile);
  return Object.keys(metafile.outputs);
}

async function removeOldParts(root: string, folder: string, metafile: Metafile): Promise<void> {
  const current = new Set(Object.keys(metafile.outputs).map((path) => resolve(root, path)));
  const found = await readdir(join(root, folder)).catch((error: unknown) => {
    // A bundle without lazy parts has no folder for them.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  for (const file of found.map((part) => resolve(root, folder, part))) {
    if (!current.has(file)) await rm(file, { force: true });
  }
}
