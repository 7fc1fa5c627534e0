import { ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { storageFailure, type DocumentStore, type StorageCode, type StorageIssue } from "./document-store.ts";
import { documentText } from "./document-text.ts";

export interface MemoryDocumentsBehaviour {
  /** The "disk": JSON text by key. It outlives the store, so that a restart can be simulated. */
  readonly disk?: Map<string, string>;
  /** Returns the code that a write fails with, or `undefined` to let it succeed. */
  readonly refuse?: () => StorageCode | undefined;
  /** Called for each write; the write waits for it. */
  readonly sync?: () => Promise<void>;
}

/** Document store in memory with injectable faults, for tests and simulation. */
export class MemoryDocumentStore implements DocumentStore {
  readonly disk: Map<string, string>;
  /** Writes attempted so far, including failed ones. */
  puts = 0;
  /** Makes every write fail with this code. */
  failWith: StorageCode | undefined;
  /** Called before write number n (from 1). Throwing simulates a power cut before the write. */
  beforePut: ((n: number) => void) | undefined;
  /** Called after write number n. Throwing simulates a power cut right after it. */
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

  /** Simulates a power cut: writes not yet on disk never get there. */
  crash(): void {
    this.#generation += 1;
  }
}
