import { isDone, keyText, numberUsedBy, type CommandKey, type JournalEntry } from "./journal-entry.ts";
import { entryBytes, type JournalStore, type RetentionLimits } from "./journal-store.ts";

/** A journal that dies with the process: for tests, simulations and machines without a disk of their own. */
export class MemoryJournalStore implements JournalStore {
  /** By key, in order of arrival: a Map keeps the place of a key that is set again. */
  readonly #entries = new Map<string, { readonly json: string; readonly entry: JournalEntry }>();
  readonly #floors: Map<string, number>;

  /** `floors`: see `JournalStore.floor`, by owner; what an earlier life is known to have used. */
  constructor(floors: ReadonlyMap<string, number> = new Map()) {
    this.#floors = new Map(floors);
  }

  get(id: string, attempt: number): Promise<JournalEntry | undefined> {
    return Promise.resolve(this.#entries.get(keyText({ id, attempt }))?.entry);
  }

  put(entry: JournalEntry): Promise<void> {
    // Stored as a copy: what a disk gives back is never the object that was written.
    const json = JSON.stringify(entry);
    this.#entries.set(keyText(entry), { json, entry: JSON.parse(json) as JournalEntry });
    return Promise.resolve();
  }

  numberHolder(owner: string, number: number): Promise<CommandKey | undefined> {
    const holder = this.#all().find((entry) => entry.owner === owner && (entry.number === number || entry.cancelNumber === number));
    return Promise.resolve(holder === undefined ? undefined : { id: holder.id, attempt: holder.attempt });
  }

  floor(owner: string): Promise<number> {
    return Promise.resolve(this.#floors.get(owner) ?? 0);
  }

  unfinished(): Promise<readonly JournalEntry[]> {
    return Promise.resolve(this.#all().filter((entry) => !isDone(entry)));
  }

  recent(countMax: number): Promise<readonly JournalEntry[]> {
    return Promise.resolve(this.#all().toReversed().slice(0, countMax));
  }

  prune(limits: RetentionLimits): Promise<number> {
    let bytes = 0;
    for (const { json } of this.#entries.values()) bytes += json.length;
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
    return Promise.resolve(pruned);
  }

  #all(): JournalEntry[] {
    return [...this.#entries.values()].map(({ entry }) => entry);
  }
}
