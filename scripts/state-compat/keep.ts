/**
 * `npm run state:keep -- NAME [COMMIT]`: keeps the stores as they are in this tree, or were in COMMIT, as `kept/NAME.mjs.gz`. Run it
 * at each release, with its version as the name; remove those of versions that no device goes back to any more.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = import.meta.dirname;
const ROOT = join(HERE, "../..");
const [, , name, commit] = process.argv;
if (name === undefined || !/^[0-9a-z.-]+$/.test(name)) {
  console.error("usage: npm run state:keep -- NAME [COMMIT]");
  process.exit(2);
}

const work = mkdtempSync(join(tmpdir(), "vitrine-stores-"));
try {
  const tree = commit === undefined ? ROOT : checkedOut(commit);
  const outfile = join(work, "stores.mjs");
  await build({
    absWorkingDir: tree, entryPoints: ["scripts/state-compat/stores.ts"], outfile, bundle: true, platform: "node", target: "node24", format: "esm", minify: true,
    external: ["better-sqlite3"], banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' }, logLevel: "warning",
  });
  const kept = gzipSync(readFileSync(outfile), { level: 9 });
  writeFileSync(join(HERE, "kept", `${name}.mjs.gz`), kept);
  console.log(`scripts/state-compat/kept/${name}.mjs.gz: ${kept.length} bytes`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** The files of a commit, with today's program. */
function checkedOut(revision: string): string {
  const tree = join(work, "tree");
  mkdirSync(tree);
  execFileSync("tar", ["-x", "-C", tree], { input: execFileSync("git", ["archive", revision, "agent", "player-host", "platform"], { cwd: ROOT, maxBuffer: 256 * 1024 * 1024 }) });
  mkdirSync(join(tree, "scripts/state-compat"), { recursive: true });
  cpSync(join(HERE, "stores.ts"), join(tree, "scripts/state-compat/stores.ts"));
  symlinkSync(join(ROOT, "node_modules"), join(tree, "node_modules"));
  return tree;
}
