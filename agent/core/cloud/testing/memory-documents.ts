import { StorageError, type DocumentStore } from "../../storage/document-store.ts";
import { fail, ok, type Result } from "../../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../../platform/runtime/json.ts";

/** Documents in memory, with faults on demand. What is on this "disk" outlives the store that wrote it. */
export class MemoryDocuments implements DocumentStore {
  readonly disk: Map<string, string>;
  /** Puts that were asked for so far, whether or not they came about. */
  puts = 0;
  /** Refuses every put with this. */
  failWith: StorageError["code"] | undefined;
  /** Called before put number n (from 1). Throwing there is a power cut before the write. */
  beforePut: ((n: number) => void) | undefined;
  /** Called after put number n is on disk. Throwing there is a power cut right after the write. */
  afterPut: ((n: number) => void) | undefined;

  constructor(disk: Map<string, string> = new Map()) {
    this.disk = disk;
  }

  async get(key: string): Promise<Result<JsonObject | undefined>> {
    const text = this.disk.get(key);
    if (text === undefined) return ok(undefined);
    const value = parseJson(text);
    return isJsonObject(value) ? ok(value) : fail("storage.corrupt", `document ${key} is damaged`);
  }

  async put(values: Readonly<Record<string, JsonObject | null>>): Promise<void> {
    this.puts += 1;
    const n = this.puts;
    this.beforePut?.(n);
    if (this.failWith !== undefined) throw new StorageError(this.failWith, "the disk refused, as the test asked");
    for (const [key, value] of Object.entries(values)) {
      if (value === null) this.disk.delete(key);
      else this.disk.set(key, JSON.stringify(value));
    }
    this.afterPut?.(n);
  }
}
