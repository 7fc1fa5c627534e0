import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUNDLES, PAGES } from "./bundles.ts";
import { hashInputs } from "./hash-inputs.ts";

export interface BuildReport {
  /** Nothing has changed since the last build. */
  readonly fresh: boolean;
  /** Files written, from the root. */
  readonly written: readonly string[];
  /** Entries of the bundle table that do not exist. */
  readonly missing: readonly string[];
}

const STAMP = "dist/.inputs";
const SAMPLE = "player-host/sample/app.dom.ts";

/**
 * Builds `dist/`: the shipped programs, the development cloud and the sample player. Does nothing when the sources have not
 * changed since the last build. Rejects with esbuild's message when a source does not compile. esbuild's helper lives as
 * long as this process, so long-running callers use `buildApart`.
 */
export async function build(root: string): Promise<BuildReport> {
  const { fresh, hash, missing } = await lookAtBuild(root);
  if (fresh) return { fresh, written: [], missing };
  // Imported only when there is something to build.
  const [{ buildBundle }, { buildPages }, { buildSample }] = await Promise.all([import("./build-bundle.ts"), import("./build-pages.ts"), import("./build-sample.ts")]);
  const written = await Promise.all([
    ...BUNDLES.filter(({ entry }) => !missing.includes(entry)).map((bundle) => buildBundle(root, bundle)),
    ...PAGES.filter(({ from }) => !missing.includes(from)).map((pages) => buildPages(root, pages)),
    ...(missing.includes(SAMPLE) ? [] : [buildSample(root)]),
  ]);
  await mkdir(join(root, "dist"), { recursive: true });
  // Written last and atomically, so that an interrupted build is repeated.
  const stamp = join(root, STAMP);
  await writeFile(`${stamp}.new`, hash);
  await rename(`${stamp}.new`, stamp);
  return { fresh: false, written: written.flat(), missing };
}

/** Whether the last build is up to date. `hash`: of the current sources. */
export async function lookAtBuild(root: string): Promise<Pick<BuildReport, "fresh" | "missing"> & { readonly hash: string }> {
  const hash = await hashInputs(root);
  const sources = [...BUNDLES.map(({ entry }) => entry), ...PAGES.map(({ from }) => from), SAMPLE];
  const missing = sources.filter((path) => !existsSync(join(root, path)));
  const stamp = join(root, STAMP);
  const whole = BUNDLES.every(({ entry, output }) => missing.includes(entry) || existsSync(join(root, output)));
  return { fresh: whole && existsSync(stamp) && (await readFile(stamp, "utf8")) === hash, hash, missing };
}
