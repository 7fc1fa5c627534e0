import type { JsonObject } from "../../../platform/runtime/json.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import { StorageError, type DocumentStore } from "./document-store.ts";
import { documentText } from "./document-text.ts";

export interface MemoryDocumentsBehaviour {
  /** The code a write fails with, or `undefined` to let it pass. */
  readonly refuse?: () => StorageError["code"] | undefined;
  /** Takes as long as a sync takes. */
  readonly sync?: () => Promise<void>;
}

/** Documents in memory: for tests and simulation, and for an agent without a usable disk. */
export class MemoryDocumentStore implements DocumentStore {
  readonly #behaviour: MemoryDocumentsBehaviour;
  #texts = new Map<string, string>();
  #generation = 0;

  constructor(behaviour: MemoryDocumentsBehaviour = {}) {
    this.#behaviour = behaviour;
  }

  async get(key: string): Promise<Result<JsonObject | undefined>> {
    const text = this.#texts.get(key);
    return ok(text === undefined ? undefined : (JSON.parse(text) as JsonObject));
  }

  async put(values: Readonly<Record<string, JsonObject | null>>): Promise<void> {
    const texts = Object.entries(values).map(([key, value]) => [key, value === null ? null : documentText(key, value)] as const);
    const refusal = this.#behaviour.refuse?.();
    if (refusal !== undefined) throw new StorageError(refusal, "the disk refuses");
    const generation = this.#generation;
    await this.#behaviour.sync?.();
    if (generation !== this.#generation) throw new StorageError("storage.io", "the disk is gone");
    for (const [key, text] of texts) {
      if (text === null) this.#texts.delete(key);
      else this.#texts.set(key, text);
    }
  }

  /** The power goes: writes that are not on disk yet never come there. */
  crash(): void {
    this.#generation += 1;
  }
}

