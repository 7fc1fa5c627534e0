import type { DocumentStore } from "../storage/document-store.ts";
import { readDocument } from "../storage/read-document.ts";
import type { Log } from "../../../platform/ports/log.ts";

/** Versions reserved at once: one small disk write per this many reports. */
export const VERSION_BLOCK = 256;

const KEY = "reported.versions";

/**
 * Version numbers that only rise and are never reused, even after a power cut: a block of numbers is marked as used on
 * disk before the first of them is taken. A restart skips the rest of its block.
 *
 * When the disk refuses the write, numbers are still issued, because a device with a full disk must still report. If a
 * restart loses them, the welcome says which version the cloud has and `raiseTo` moves above it.
 */
export class VersionBlock {
  readonly #store: DocumentStore;
  readonly #log: Log;
  #last: number;
  #reservedTo: number;
  #reserving = false;
  #failing = false;

  private constructor(store: DocumentStore, log: Log, last: number) {
    this.#store = store;
    this.#log = log;
    this.#last = last;
    this.#reservedTo = last;
  }

  static async load(store: DocumentStore, log: Log): Promise<VersionBlock> {
    const stored = (await readDocument(store, KEY, log))?.["reservedTo"];
    const last = typeof stored === "number" && Number.isSafeInteger(stored) && stored >= 0 ? stored : 0;
    const block = new VersionBlock(store, log, last);
    await block.#reserve();
    return block;
  }

  /** The last number used, or one that may have been. */
  get last(): number {
    return this.#last;
  }

  /** The number of the next report. Not used up until `take`. */
  get next(): number {
    return this.#last + 1;
  }

  take(): void {
    this.#last += 1;
    if (this.#reservedTo - this.#last < VERSION_BLOCK / 2) void this.#reserve();
  }

  /** The cloud has this version; later ones are numbered above it. */
  raiseTo(version: number): void {
    if (version <= this.#last) return;
    this.#last = version;
    void this.#reserve();
  }

  async #reserve(): Promise<void> {
    if (this.#reserving) return;
    this.#reserving = true;
    const reservedTo = this.#last + VERSION_BLOCK;
    try {
      const put = await this.#store.put({ [KEY]: { reservedTo } });
      if (put.ok) this.#reservedTo = reservedTo;
      // Logged once per outage; later takes try again.
      else if (!this.#failing) this.#log.warn({ code: put.error.code, error: put.error.message }, "report versions could not be stored on disk");
      this.#failing = !put.ok;
    } finally {
      this.#reserving = false;
    }
  }
}
