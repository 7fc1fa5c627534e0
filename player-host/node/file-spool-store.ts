import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { readIfThere, syncFolder, writeDurably } from "../../platform/node/durable-file.ts";
import type { SpoolStore } from "../host/spool-store.ts";

/** Stores the spool in a file, and its mark in another beside it. */
export class FileSpoolStore implements SpoolStore {
  readonly #path: string;
  readonly #markPath: string;
  #file: FileHandle | undefined;
  #mark: FileHandle | undefined;
  /** Whether the file's directory entry is synced. */
  #named = false;

  constructor(path: string) {
    this.#path = path;
    this.#markPath = `${path}.mark`;
  }

  async read(): Promise<string> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    return (await readIfThere(this.#path)) ?? "";
  }

  async setAside(): Promise<void> {
    await rename(this.#path, `${this.#path}.unread`);
  }

  async append(text: string, synced: boolean): Promise<void> {
    this.#file ??= await open(this.#path, "a", 0o600);
    await this.#file.appendFile(text);
    if (!synced) return;
    await this.#file.datasync();
    if (!this.#named) await syncFolder(dirname(this.#path));
    this.#named = true;
  }

  async replace(text: string): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    if (text === "") {
      await rm(this.#path, { force: true, recursive: true });
      this.#named = false;
      return;
    }
    await writeDurably(this.#path, text);
    this.#named = true;
  }

  readMark(): Promise<string | undefined> {
    return readIfThere(this.#markPath);
  }

  async writeMark(text: string | undefined, synced: boolean): Promise<void> {
    if (text === undefined) {
      await this.#closeMark();
      await rm(this.#markPath, { recursive: true, force: true });
      return;
    }
    this.#mark ??= await this.#openMark();
    await this.#mark.write(text, 0);
    if (!synced) return;
    await this.#mark.datasync();
    await this.#closeMark();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await this.#closeMark();
  }

  async #openMark(): Promise<FileHandle> {
    try {
      return await open(this.#markPath, "r+", 0o600);
    } catch (thrown) {
      // Missing, or not a file, in which case it has to be removed first.
      if (!(thrown instanceof Error && "code" in thrown)) throw thrown;
      await rm(this.#markPath, { recursive: true, force: true });
      return open(this.#markPath, "w", 0o600);
    }
  }

  async #closeMark(): Promise<void> {
    await this.#mark?.close();
    this.#mark = undefined;
  }
}
