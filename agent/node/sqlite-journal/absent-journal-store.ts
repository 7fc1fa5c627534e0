import type { Issue } from "../../../platform/ports/result.ts";
import type { CommandKey, JournalEntry } from "../../core/commands/journal-entry.ts";
import type { JournalStore } from "../../core/commands/journal-store.ts";
import { StorageError } from "../../core/storage/document-store.ts";

/**
 * Stands in where the journal cannot be kept on disk. It remembers nothing, so it takes nothing: a command that ran
 * without a journal could run twice after a restart, and which numbers were used already is not known.
 */
export class AbsentJournalStore implements JournalStore {
  readonly #why: Issue;

  constructor(why: Issue) {
    this.#why = why;
  }

  get(): Promise<JournalEntry | undefined> {
    return Promise.resolve(undefined);
  }

  put(): Promise<void> {
    return Promise.reject(new StorageError("storage.io", `there is no journal: ${this.#why.message}`));
  }

  numberHolder(): Promise<CommandKey | undefined> {
    return Promise.resolve(undefined);
  }

  floor(): Promise<number> {
    return Promise.resolve(0);
  }

  unfinished(): Promise<readonly JournalEntry[]> {
    return Promise.resolve([]);
  }

  recent(): Promise<readonly JournalEntry[]> {
    return Promise.resolve([]);
  }

  prune(): Promise<number> {
    return Promise.resolve(0);
  }
}
