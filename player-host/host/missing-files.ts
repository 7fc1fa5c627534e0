import type { Log } from "../../platform/ports/log.ts";
import type { StageContent } from "../contract/link-messages.ts";
import type { FilesFact } from "../stage/picture-files.ts";
import { hostOf } from "./load-issue.ts";
import type { PackageFolders } from "./package-folders.ts";

/** Files remembered by name of one document; the rest is counted. */
const NAMED_MAX = 10;

/**
 * The files of the document on the screen that could not be had. A page whose script or style is missing has loaded, makes
 * frames, and is not the customer's picture. Each is one line of the log, with the file that has the same name in other letter case.
 */
export class MissingFiles {
  readonly #log: Log;
  readonly #folders: Pick<PackageFolders, "names">;
  readonly #content: () => StageContent | undefined;
  /** By address, so that a page that asks again and again is one. */
  readonly #missing = new Map<string, string>();
  #more = 0;
  #ofPackage = false;

  constructor(folders: Pick<PackageFolders, "names">, content: () => StageContent | undefined, log: Log) {
    this.#folders = folders;
    this.#content = content;
    this.#log = log;
  }

  /** Another document begins. */
  begun(): void {
    this.#missing.clear();
    this.#more = 0;
    this.#ofPackage = false;
  }

  /** The browser says that it could not have `url`. */
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
    // Before anything is waited for: the same one may fail again meanwhile.
    this.#missing.set(url, name);
    this.#ofPackage ||= own;
    const near = own ? await this.#otherCase(content.folder, path) : undefined;
    const says = near === undefined ? name : `${name} (there is ${near}, in other letter case)`;
    if (this.#missing.has(url)) this.#missing.set(url, says);
    this.#log.warn({ file: says, why }, "a file of the page could not be had");
  }

  /** The file of the package that differs from `path` in the case of letters alone, part by part. */
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

/** Below the package's folder; `undefined` for what is no path. */
function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url).pathname).replace(/^\/+/, "").slice(0, 300);
  } catch {
    // A broken percent code: the page asked for something that cannot be a file.
    return undefined;
  }
}
