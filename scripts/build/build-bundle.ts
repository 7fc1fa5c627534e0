import { readdir, rm } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import type { Bundle } from "./bundles.ts";

/**
 * Left to node_modules: native code, the shell itself, and the optional accelerators of ws, which are
 * not installed. Everything else is bundled, which costs less memory and starts sooner.
 */
const EXTERNAL = ["better-sqlite3", "electron", "bufferutil", "utf-8-validate"];

/** CommonJS packages inside an ES module still ask for `require` of Node's own modules. */
const REQUIRE_FOR_BUNDLED_COMMONJS = 'import { createRequire as vitrineCreateRequire } from "node:module";\nconst require = vitrineCreateRequire(import.meta.url);';

/**
 * `import … from "node:http"` in an ES module makes Node load all that the module could give, undici and http2 among it:
 * 3 MiB and 140 ms in the agent. Asked for as a plain object, only what is used is loaded.
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
    // V8 keeps the whole text for as long as the process lives. Names stay as they are written, and lines short enough to find an error in.
    minifyWhitespace: true,
    lineLimit: 160,
    // What is imported lazily stays a file of its own and is not loaded before it is needed.
    splitting: true,
    banner: { js: REQUIRE_FOR_BUNDLED_COMMONJS },
    external: EXTERNAL,
    plugins: [HTTP_AS_OBJECT],
  },
  preload: { platform: "node", target: "node24", format: "cjs", external: EXTERNAL },
  // Chromium 94 is what the oldest panels still in shops run (Tizen 7, webOS 23).
  page: { platform: "browser", target: "chrome94", format: "iife" },
};

/** Bundles one entry, and removes parts that an earlier build of it left. Returns the files written. */
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
    // A bundle without lazy parts has no such folder.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  for (const file of found.map((part) => resolve(root, folder, part))) {
    if (!current.has(file)) await rm(file, { force: true });
  }
}
