import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import type { SpoolStore } from "./spool-store.ts";

/** Digits of the number of lines; fixed, so that the text always has the same length. */
const DIGITS = 10;

/**
 * The number of lines in the spool, kept beside it, so that the loss or truncation of the spool is noticed.
 * One line, `<lines> <lines>`, overwritten in place, usually without a sync. It survives the process; after a power cut it
 * may be older than the spool, which then has at least as many lines.
 */
export class SpoolMark {
  readonly #store: Pick<SpoolStore, "readMark" | "writeMark">;
  readonly #log: Log;
  #written: number | undefined;

  constructor(store: Pick<SpoolStore, "readMark" | "writeMark">, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** The number of lines; `undefined` when there is no mark or it is not valid. */
  async read(): Promise<number | undefined> {
    try {
      const match = /^(\d{10}) (\d{10})\n$/.exec((await this.#store.readMark()) ?? "");
      return match !== null && match[1] === match[2] ? Number(match[1]) : undefined;
    } catch (thrown) {
      this.#log.warn({ error: messageOf(thrown) }, "the mark of the page spool cannot be read");
      return undefined;
    }
  }

  /** Writes the mark; zero removes it. With `synced` it is then safely on disk. A disk error loses the mark, not the spool. */
  async write(lines: number, synced = false): Promise<void> {
    if (lines === this.#written) return;
    const digits = String(lines).padStart(DIGITS, "0");
    try {
      await this.#store.writeMark(lines === 0 ? undefined : `${digits} ${digits}\n`, synced);
      this.#written = lines;
    } catch (thrown) {
      this.#log.warn({ error: messageOf(thrown) }, "the mark of the page spool cannot be written");
      this.#written = undefined;
      // An outdated mark would report losses that never happened.
      await this.#store.writeMark(undefined, synced).catch((again: unknown) => this.#log.debug({ error: messageOf(again) }, "nor removed"));
    }
  }
}
