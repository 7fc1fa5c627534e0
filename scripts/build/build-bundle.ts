import { readdir, rm } from "node:fs/promises";
import { builtinModules } from "node:module";
import { basename, dirname, extname, join, resolve } from "node:path";
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import type { Bundle } from "./bundles.ts";

/**
 * Not bundled: native code, Electron, and the optional accelerators of ws, which are not installed. Bundling everything
 * else saves memory and start time.
 */
const EXTERNAL = ["better-sqlite3", "electron", "bufferutil", "utf-8-validate"];

/**
 * The first thing that a program does: an older Node would fail somewhere in the middle, or crash in a native module. 78 (bad
 * configuration) keeps systemd from starting it again.
 */
const NODE_CHECK =
  'if (Number(process.versions.node.split(".")[0]) < 24) { process.stderr.write("Vitrine needs Node 24 or later; this is " + process.version + " (" + process.execPath + ")." + ' +
  '" On an installed device use the command vitrine, which brings its own.\\n"); process.exit(78); }';

/** CommonJS packages inside an ES module still ask for `require`. */
const REQUIRE_FOR_BUNDLED_COMMONJS = 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);';

/**
 * Turns imports of Node's modules into `process.getBuiltinModule`. An `import` or `require` reads every export of a module,
 * which loads what is behind its lazy ones: undici and http2 with http, Web Crypto with crypto.
 */
const NODE_AS_OBJECTS: Plugin = {
  name: "node-as-objects",
  setup(build) {
    const names = new Set(builtinModules.map((name) => name.replace(/^node:/, "")));
    build.onResolve({ filter: /^(node:)?[a-z_/0-9]+$/ }, ({ path }) => {
      const name = path.replace(/^node:/, "");
      return names.has(name) ? { path: `node:${name}`, namespace: "node-as-object" } : undefined;
    });
    build.onLoad({ filter: /.*/, namespace: "node-as-object" }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`, loader: "js" }));
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
    banner: { js: `${NODE_CHECK}\n${REQUIRE_FOR_BUNDLED_COMMONJS}` },
    external: EXTERNAL,
    plugins: [NODE_AS_OBJECTS],
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
    // Names of parts come from the paths of sources: a node_modules that is a link must not change them.
    preserveSymlinks: true,
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
