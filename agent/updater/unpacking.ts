import type { Result } from "../../platform/ports/result.ts";
import type { Artefact, BrowserArtefact } from "../protocol/release.ts";

/** Port: takes downloaded files apart. Errors: `update.bad-package`, `update.disk-full`, `update.disk`. */
export interface Unpacking {
  /** Unpacks the release in a downloaded package to `tree`, if the package is the one described. */
  package(from: string, artefact: Artefact, tree: string): Promise<Result<void>>;
  /** Unpacks a browser to `folder`, if its archive is the one described. */
  browser(from: string, artefact: BrowserArtefact, folder: string): Promise<Result<void>>;
  /** The first file of the tree that is missing or has another hash. */
  firstWrongFile(tree: string, files: Readonly<Record<string, string>>): Promise<string | undefined>;
  /** Everything written so far to the file system of `folder` is on the disk. */
  syncAll(folder: string): Promise<Result<void>>;
}
