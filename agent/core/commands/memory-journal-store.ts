import { ok, type Result } from "../../../platform/ports/result.ts";
import { utf8Length } from "../../../platform/runtime/encoding.ts";
import type { StorageIssue } from "../storage/document-store.ts";
import { isDone, keyText, numberUsedBy, type CommandKey, type JournalEntry } from "./journal-entry.ts";
import { entryBytes, type JournalStore, type RetentionLimits } from "./journal-store.ts";

/** In-memory journal for tests, simulations and machines without a disk. */
export class MemoryJournalStore implements JournalStore {
  /** By key, in order of arrival: setting a key again keeps its place in a Map. */
  readonly #entries = new Map<string, { readonly json: string; readonly entry: JournalEntry }>();
  readonly #floors: Map<string, number>;

  /** `floors`: initial floor (see `JournalStore.floor`) by owner. */
  constructor(floors: ReadonlyMap<string, number> = new Map()) {
    this.#floors = new Map(floors);
  }

  async get(id: string, attempt: number): Promise<Result<JournalEntry | undefined, StorageIssue>> {
    return ok(this.#entries.get(keyText({ id, attempt }))?.entry);
  }

  async put(entry: JournalEntry): Promise<Result<void, StorageIssue>> {
    // Stored as a copy, as a disk would.
    const json = JSON.stringify(entry);
    this.#entries.set(keyText(entry), { json, entry: JSON.parse(json) as JournalEntry });
    return ok(undefined);
  }

  async numberHolder(owner: string, number: number): Promise<Result<CommandKey | undefined, StorageIssue>> {
    const holder = this.#all().find((entry) => entry.owner === owner && (entry.number === number || entry.cancelNumber === number));
    return ok(holder === undefined ? undefined : { id: holder.id, attempt: holder.attempt });
  }

  async floor(owner: string): Promise<Result<number, StorageIssue>> {
    return ok(this.#floors.get(owner) ?? 0);
  }

  async unfinished(): Promise<Result<readonly JournalEntry[], StorageIssue>> {
    return ok(this.#all().filter((entry) => !isDone(entry)));
  }

  async recent(countMax: number): Promise<Result<readonly JournalEntry[], StorageIssue>> {
    return ok(this.#all().toReversed().slice(0, countMax));
  }

  async prune(limits: RetentionLimits): Promise<Result<number, StorageIssue>> {
    let bytes = 0;
    for (const { json } of this.#entries.values()) bytes += utf8Length(json);
    let pruned = 0;
    for (const entry of this.#all()) {
      if (entry.state.kind !== "final" || entry.state.handedOver === undefined) continue;
      const over = this.#entries.size > limits.entriesMax || bytes > limits.bytesMax;
      if (!over && entry.state.finishedWallMs >= limits.finishedBeforeWallMs) continue;
      this.#entries.delete(keyText(entry));
      this.#floors.set(entry.owner, Math.max(this.#floors.get(entry.owner) ?? 0, numberUsedBy(entry)));
      bytes -= entryBytes(entry);
      pruned += 1;
    }
    return ok(pruned);
  }

  #all(): JournalEntry[] {
    return [...this.#entries.values()].map(({ entry }) => entry);
  }
}
