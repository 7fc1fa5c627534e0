import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildBundle } from "./build-bundle.ts";
import { buildPages } from "./build-pages.ts";
import { buildSample } from "./build-sample.ts";
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
 */
export async function build(root: string): Promise<BuildReport> {
  const hash = await hashInputs(root);
  const sources = [...BUNDLES.map(({ entry }) => entry), ...PAGES.map(({ from }) => from), SAMPLE];
  const missing = sources.filter((path) => !existsSync(join(root, path)));
  const present = BUNDLES.filter(({ entry }) => !missing.includes(entry));
  const stamp = join(root, STAMP);
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === hash && present.every(({ output }) => existsSync(join(root, output)))) {
    return { fresh: true, written: [], missing };
  }
  const written = await Promise.all([
    ...present.map((bundle) => buildBundle(root, bundle)),
    ...PAGES.filter(({ from }) => !missing.includes(from)).map((pages) => buildPages(root, pages)),
    ...(missing.includes(SAMPLE) ? [] : [buildSample(root)]),
  ]);
  await mkdir(join(root, "dist"), { recursive: true });
  // Written last, and whole or not at all: an interrupted build is repeated.
  await writeFile(`${stamp}.new`, hash);
  await rename(`${stamp}.new`, stamp);
  return { fresh: false, written: written.flat(), missing };
}
