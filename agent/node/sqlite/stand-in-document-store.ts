import type { DocumentStore, StorageIssue } from "../../core/storage/document-store.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";

/** Minimum interval between checks whether the disk takes writes again. */
const RETRY_EVERY_MS = 15_000;

export interface StandInOptions {
  /** Documents that could be read without writing, by key. */
  readonly texts: ReadonlyMap<string, string>;
  readonly why: StorageIssue;
  /** Opens the real store; `undefined` while the disk refuses. */
  readonly reopen: () => (DocumentStore & { close?(): Promise<void> }) | undefined;
  readonly clock: Clock;
}

/**
 * Replaces the document store while the disk refuses writes: stored documents can be read, writes are refused with the
 * reason, and the real store takes over with the first write after the disk has recovered.
 */
export class StandInDocumentStore implements DocumentStore {
  readonly #options: StandInOptions;
  #real: (DocumentStore & { close?(): Promise<void> }) | undefined;
  #triedMs: number;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#triedMs = options.clock.monotonicMs();
  }

  async get(key: string): Promise<Result<JsonObject | undefined, StorageIssue>> {
    if (this.#real !== undefined) return this.#real.get(key);
    const value = parseJson(this.#options.texts.get(key) ?? "null");
    return ok(isJsonObject(value) ? value : undefined);
  }

  async put(values: Readonly<Record<string, JsonObject | null>>): Promise<Result<void, StorageIssue>> {
    const { clock, why, reopen } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#real === undefined && nowMs - this.#triedMs >= RETRY_EVERY_MS) {
      this.#triedMs = nowMs;
      this.#real = reopen();
    }
    return this.#real === undefined ? { ok: false, error: why } : this.#real.put(values);
  }

  async close(): Promise<void> {
    await this.#real?.close?.();
  }
}
