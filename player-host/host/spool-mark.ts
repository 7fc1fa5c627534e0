import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import type { SpoolStore } from "./spool-store.ts";

/** Digits of the number of lines; the sum of what is written never changes its length. */
const DIGITS = 10;

/**
 * How many lines the spool beside it has: so that a spool that is gone, or ends too early, is missed and not forgotten.
 * One line, `<lines> <lines>`, written over without waiting for the disk: it outlives the process, and after a power cut it
 * may be older than the spool, which has at least what the mark says.
 */
export class SpoolMark {
  readonly #store: Pick<SpoolStore, "readMark" | "writeMark">;
  readonly #log: Log;
  #written: number | undefined;

  constructor(store: Pick<SpoolStore, "readMark" | "writeMark">, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** `undefined` when there is none, or none that can be believed. */
  async read(): Promise<number | undefined> {
    try {
      const match = /^(\d{10}) (\d{10})\n$/.exec((await this.#store.readMark()) ?? "");
      return match !== null && match[1] === match[2] ? Number(match[1]) : undefined;
    } catch (thrown) {
      this.#log.warn({ error: messageOf(thrown) }, "the mark of the page spool cannot be read");
      return undefined;
    }
  }

  /** With `synced` it is on disk afterwards; zero is no mark. A disk that does not take it costs the mark, not the spool. */
  async write(lines: number, synced = false): Promise<void> {
    if (lines === this.#written) return;
    const digits = String(lines).padStart(DIGITS, "0");
    try {
      await this.#store.writeMark(lines === 0 ? undefined : `${digits} ${digits}\n`, synced);
      this.#written = lines;
    } catch (thrown) {
      this.#log.warn({ error: messageOf(thrown) }, "the mark of the page spool cannot be written");
      this.#written = undefined;
      // An old mark would make up losses.
      await this.#store.writeMark(undefined, synced).catch((again: unknown) => this.#log.debug({ error: messageOf(again) }, "nor removed"));
    }
  }
}
