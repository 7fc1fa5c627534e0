import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUNDLES, PAGES } from "./bundles.ts";
import { hashInputs } from "./hash-inputs.ts";

export interface BuildReport {
  /** Nothing had changed since the last build. */
  readonly fresh: boolean;
  /** Files written, from the root. */
  readonly written: readonly string[];
  /** Entries of the table that are not in the tree. */
  readonly missing: readonly string[];
}

const STAMP = "dist/.inputs";
const SAMPLE = "player-host/sample/app.dom.ts";

/**
 * Makes `dist/`: the shipped programs, the development cloud and the sample player. Does nothing when the
 * sources are the ones of the last build. A source that does not compile rejects with esbuild's own message.
 * esbuild's helper process stays for as long as this process lives: who runs on uses `buildApart`.
 */
export async function build(root: string): Promise<BuildReport> {
  const { fresh, hash, missing } = await lookAtBuild(root);
  if (fresh) return { fresh, written: [], missing };
  // Loaded late, because esbuild is of no use to whoever has nothing to build.
  const [{ buildBundle }, { buildPages }, { buildSample }] = await Promise.all([import("./build-bundle.ts"), import("./build-pages.ts"), import("./build-sample.ts")]);
  const written = await Promise.all([
    ...BUNDLES.filter(({ entry }) => !missing.includes(entry)).map((bundle) => buildBundle(root, bundle)),
    ...PAGES.filter(({ from }) => !missing.includes(from)).map((pages) => buildPages(root, pages)),
    ...(missing.includes(SAMPLE) ? [] : [buildSample(root)]),
  ]);
  await mkdir(join(root, "dist"), { recursive: true });
  // Written last, and whole or not at all: an interrupted build is repeated.
  const stamp = join(root, STAMP);
  await writeFile(`${stamp}.new`, hash);
  await rename(`${stamp}.new`, stamp);
  return { fresh: false, written: written.flat(), missing };
}

/** What stands of the last build. `hash`: of the sources as they are now. */
export async function lookAtBuild(root: string): Promise<Pick<BuildReport, "fresh" | "missing"> & { readonly hash: string }> {
  const hash = await hashInputs(root);
  const sources = [...BUNDLES.map(({ entry }) => entry), ...PAGES.map(({ from }) => from), SAMPLE];
  const missing = sources.filter((path) => !existsSync(join(root, path)));
  const stamp = join(root, STAMP);
  const whole = BUNDLES.every(({ entry, output }) => missing.includes(entry) || existsSync(join(root, output)));
  return { fresh: whole && existsSync(stamp) && (await readFile(stamp, "utf8")) === hash, hash, missing };
}
