import type { Result } from "../../../platform/ports/result.ts";
import type { JournalEntry } from "../../core/commands/journal-entry.ts";
import { MemoryJournalStore } from "../../core/commands/memory-journal-store.ts";
import { storageFailure, type StorageIssue } from "../../core/storage/document-store.ts";
import type { JournalMarks } from "./journal-marks.ts";

/**
 * The journal when SQLite cannot be loaded: commands and outcomes in memory, and each owner's highest number on disk. A
 * restart forgets outcomes that were not handed over, and runs nothing twice.
 */
export class MarkedJournalStore extends MemoryJournalStore {
  readonly #marks: JournalMarks;

  /** `floors`: the highest number of each owner in the marks; nothing at or below it runs. */
  constructor(marks: JournalMarks, floors: ReadonlyMap<string, number>) {
    super(floors);
    this.#marks = marks;
  }

  override async put(entry: JournalEntry): Promise<Result<void, StorageIssue>> {
    if (!this.#marks.note(entry, true)) return storageFailure("storage.io", "the marks of the journal cannot be written");
    return super.put(entry);
  }
}
