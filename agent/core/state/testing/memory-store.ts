import { ok, type Result } from "../../../../platform/ports/result.ts";
import type { JsonObject } from "../../../../platform/runtime/json.ts";
import { StorageError, type DocumentStore } from "../../storage/document-store.ts";

/** A document store for tests: keeps JSON text, so that nothing is shared by reference; refuses when told. */
export class MemoryStore implements DocumentStore {
  readonly texts = new Map<string, string>();
  puts = 0;
  refuse: StorageError["code"] | undefined;

  get(key: string): Promise<Result<JsonObject | undefined>> {
    const text = this.texts.get(key);
    return Promise.resolve(ok(text === undefined ? undefined : (JSON.parse(text) as JsonObject)));
  }

  put(values: Readonly<Record<string, JsonObject | null>>): Promise<void> {
    if (this.refuse !== undefined) return Promise.reject(new StorageError(this.refuse, "the disk refused"));
    this.puts += 1;
    for (const [key, value] of Object.entries(values)) {
      if (value === null) this.texts.delete(key);
      else this.texts.set(key, JSON.stringify(value));
    }
    return Promise.resolve();
  }
}
