import { ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { storageFailure, type DocumentStore, type StorageCode, type StorageIssue } from "./document-store.ts";
import { documentText } from "./document-text.ts";

export interface MemoryDocumentsBehaviour {
  /** What is on the "disk" already, by key; it outlives the store that wrote it. */
  readonly disk?: Map<string, string>;
  /** The code a write fails with, or `undefined` to let it pass. */
  readonly refuse?: () => StorageCode | undefined;
  /** Takes as long as a sync takes. */
  readonly sync?: () => Promise<void>;
}

/** Documents in memory, with faults on demand: for tests and simulation. */
export class MemoryDocumentStore implements DocumentStore {
  readonly disk: Map<string, string>;
  /** Writes that were asked for so far, whether or not they came about. */
  puts = 0;
  /** Refuses every write with this. */
  failWith: StorageCode | undefined;
  /** Called before write number n (from 1). Throwing there is a power cut before the write. */
  beforePut: ((n: number) => void) | undefined;
  /** Called after write number n is on disk. Throwing there is a power cut right after it. */
  afterPut: ((n: number) => void) | undefined;
  readonly #behaviour: MemoryDocumentsBehaviour;
  #generation = 0;

  constructor(behaviour: MemoryDocumentsBehaviour = {}) {
    this.#behaviour = behaviour;
    this.disk = behaviour.disk ?? new Map<string, string>();
  }

  async get(key: string): Promise<Result<JsonObject | undefined, StorageIssue>> {
    const text = this.disk.get(key);
    if (text === undefined) return ok(undefined);
    const value = parseJson(text);
    return isJsonObject(value) ? ok(value) : storageFailure("storage.corrupt", `document ${key} is damaged`);
  }

  async put(values: Readonly<Record<string, JsonObject | null>>): Promise<Result<void, StorageIssue>> {
    const texts = Object.entries(values).map(([key, value]) => [key, value === null ? null : documentText(key, value)] as const);
    this.puts += 1;
    const n = this.puts;
    this.beforePut?.(n);
    const refusal = this.failWith ?? this.#behaviour.refuse?.();
    if (refusal !== undefined) return storageFailure(refusal, "the disk refuses");
    const generation = this.#generation;
    await this.#behaviour.sync?.();
    if (generation !== this.#generation) return storageFailure("storage.io", "the disk is gone");
    for (const [key, text] of texts) {
      if (text === null) this.disk.delete(key);
      else this.disk.set(key, text);
    }
    this.afterPut?.(n);
    return ok(undefined);
  }

  /** The power goes: writes that are not on disk yet never come there. */
  crash(): void {
    this.#generation += 1;
  }
}
