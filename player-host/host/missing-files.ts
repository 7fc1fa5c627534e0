import type { Log } from "../../platform/ports/log.ts";
import type { StageContent } from "../contract/link-messages.ts";
import type { FilesFact } from "../stage/picture-files.ts";
import { hostOf } from "./load-issue.ts";
import type { PackageFolders } from "./package-folders.ts";

/** Maximum number of files remembered by name per document; the rest are only counted. */
const NAMED_MAX = 10;

/**
 * The files of the document on the screen that could not be loaded. A page without its script or style still loads and produces
 * frames, but is not the customer's picture. Each missing file is logged once, with any file whose name differs only in case.
 */
export class MissingFiles {
  readonly #log: Log;
  readonly #folders: Pick<PackageFolders, "names">;
  readonly #content: () => StageContent | undefined;
  /** By address, so that repeated requests count once. */
  readonly #missing = new Map<string, string>();
  #more = 0;
  #ofPackage = false;

  constructor(folders: Pick<PackageFolders, "names">, content: () => StageContent | undefined, log: Log) {
    this.#folders = folders;
    this.#content = content;
    this.#log = log;
  }

  /** A new document has started: forgets the files of the previous one. */
  begun(): void {
    this.#missing.clear();
    this.#more = 0;
    this.#ofPackage = false;
  }

  /** The browser reported that it could not load `url`. */
  async note(url: string, why: string): Promise<void> {
    if (this.#missing.has(url)) return;
    if (this.#missing.size >= NAMED_MAX) {
      this.#more += 1;
      return;
    }
    const content = this.#content();
    const path = pathOf(url);
    const own = content?.kind === "package" && isPackage(url) && path !== undefined;
    const name = own ? path : hostOf(url);
    // Set before the first await: the same file may fail again meanwhile.
    this.#missing.set(url, name);
    this.#ofPackage ||= own;
    const near = own ? await this.#otherCase(content.folder, path) : undefined;
    const says = near === undefined ? name : `${name} (there is ${near}, with different case)`;
    if (this.#missing.has(url)) this.#missing.set(url, says);
    this.#log.warn({ file: says, why }, "a file of the page could not be loaded");
  }

  /** The package's file whose path differs from `path` only in letter case, if there is one. */
  async #otherCase(folder: string, path: string): Promise<string | undefined> {
    const found: string[] = [];
    for (const part of path.split("/")) {
      const names = await this.#folders.names(folder, found.join("/"));
      const name = names.includes(part) ? part : names.find((one) => one.toLowerCase() === part.toLowerCase());
      if (name === undefined) return undefined;
      found.push(name);
    }
    return found.join("/") === path ? undefined : found.join("/");
  }

  fact(): FilesFact | undefined {
    if (this.#missing.size === 0) return undefined;
    return { count: this.#missing.size + this.#more, named: [...this.#missing.values()], ofPackage: this.#ofPackage };
  }
}

function isPackage(url: string): boolean {
  return /^(?:https:\/\/vitrine-[a-z0-9]+\.invalid|vitrine-package:\/\/)/.test(url);
}

/** The path relative to the package's folder; `undefined` when it cannot be decoded. */
function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url).pathname).replace(/^\/+/, "").slice(0, 300);
  } catch {
    // Invalid percent-encoding: cannot be a file.
    return undefined;
  }
}
