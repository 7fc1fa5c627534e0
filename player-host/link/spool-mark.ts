import { open, rm, type FileHandle } from "node:fs/promises";
import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import { readIfThere } from "../../platform/node/durable-file.ts";

/** Digits of the number of lines; the sum of what is written never changes its length. */
const DIGITS = 10;

/**
 * How many lines the spool beside it has: so that a spool that is gone, or ends too early, is missed and not forgotten.
 * A file of one line, `<lines> <lines>`, written over in place without waiting for the disk: it outlives the process,
 * and after a power cut it may be older than the spool, which has at least what the mark says.
 */
export class SpoolMark {
  readonly #path: string;
  readonly #log: Log;
  #file: FileHandle | undefined;
  #written: number | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** `undefined` when there is none, or none that can be believed. */
  async read(): Promise<number | undefined> {
    try {
      const match = /^(\d{10}) (\d{10})\n$/.exec((await readIfThere(this.#path)) ?? "");
      return match !== null && match[1] === match[2] ? Number(match[1]) : undefined;
    } catch (thrown) {
      this.#log.warn({ error: messageOf(thrown) }, "the mark of the page spool cannot be read");
      return undefined;
    }
  }

  /** With `synced` it is on disk afterwards, or gone when it is zero. A disk that does not take it costs the mark, not the spool. */
  async write(lines: number, synced = false): Promise<void> {
    if (lines === this.#written) return;
    try {
      if (lines === 0) await this.#remove();
      else await this.#put(lines, synced);
      this.#written = lines;
    } catch (thrown) {
      this.#log.warn({ error: messageOf(thrown) }, "the mark of the page spool cannot be written");
      // An old mark would make up losses.
      await this.#remove().catch((again: unknown) => this.#log.debug({ error: messageOf(again) }, "nor removed"));
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #put(lines: number, synced: boolean): Promise<void> {
    this.#file ??= await this.#opened();
    const text = String(lines).padStart(DIGITS, "0");
    await this.#file.write(`${text} ${text}\n`, 0);
    if (!synced) return;
    await this.#file.datasync();
    await this.close();
  }

  async #opened(): Promise<FileHandle> {
    try {
      return await open(this.#path, "r+", 0o600);
    } catch (thrown) {
      // Not there yet, or something else than a file is.
      this.#log.debug({ error: messageOf(thrown) }, "the mark of the page spool is made anew");
      await rm(this.#path, { recursive: true, force: true });
      return open(this.#path, "w", 0o600);
    }
  }

  async #remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { recursive: true, force: true });
    this.#written = undefined;
  }
}
