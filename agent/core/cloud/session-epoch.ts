import type { Clock, ClockQuality } from "../../../platform/ports/clock.ts";
import type { DocumentStore } from "../storage/document-store.ts";

const KEY = "cloud.session";

/**
 * A number that rises with every session of this device, so that a late "gone" of an old session cannot mark a new one
 * offline. Written to disk before use. When the write fails or the stored number is lost, a wall clock that was set
 * stands in, in seconds, which is above any number that counting sessions could have reached.
 */
export class SessionEpoch {
  readonly #documents: DocumentStore;
  readonly #clock: Clock;
  readonly #bootId: string;
  #last: number | undefined;
  #bootSeen = false;

  constructor(documents: DocumentStore, clock: Clock, bootId: string) {
    this.#documents = documents;
    this.#clock = clock;
    this.#bootId = bootId;
  }

  /** Whether a session was begun in this boot: if so, only the agent restarted, not the whole site after a power cut. */
  async hadSessionThisBoot(): Promise<boolean> {
    await this.#load();
    return this.#bootSeen;
  }

  /** The next number. `durable` is false when the disk refused it. */
  async next(quality: ClockQuality): Promise<{ readonly epoch: number; readonly durable: boolean; readonly error?: string }> {
    const before = await this.#load();
    const floor = before === undefined && quality !== "unset" ? this.#wallSeconds() : 0;
    const epoch = Math.max(floor, (before ?? 0) + 1);
    const put = await this.#documents.put({ [KEY]: { epoch, bootId: this.#bootId } });
    // A full or read-only disk must not keep the device offline.
    this.#last = put.ok || quality === "unset" ? epoch : Math.max(epoch, this.#wallSeconds());
    return put.ok ? { epoch, durable: true } : { epoch: this.#last, durable: false, error: put.error.message };
  }

  async #load(): Promise<number | undefined> {
    if (this.#last !== undefined) return this.#last;
    // An unreadable disk counts as a lost number.
    const found = await this.#documents.get(KEY);
    const document = found.ok ? found.value : undefined;
    if (document === undefined) return undefined;
    this.#bootSeen = document["bootId"] === this.#bootId;
    const epoch = document["epoch"];
    this.#last = typeof epoch === "number" && Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : undefined;
    return this.#last;
  }

  #wallSeconds(): number {
    return Math.max(0, Math.floor(this.#clock.wallMs() / 1000));
  }
}
