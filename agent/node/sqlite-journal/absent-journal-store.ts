import { ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import type { CommandKey, JournalEntry } from "../../core/commands/journal-entry.ts";
import type { JournalStore } from "../../core/commands/journal-store.ts";
import { storageFailure, type StorageIssue } from "../../core/storage/document-store.ts";

/**
 * Replaces a journal that cannot be kept on disk. It remembers nothing, so it accepts nothing: without a journal a command
 * could run twice after a restart, and used numbers are unknown.
 */
export class AbsentJournalStore implements JournalStore {
  readonly #why: Issue;

  constructor(why: Issue) {
    this.#why = why;
  }

  async get(): Promise<Result<JournalEntry | undefined, StorageIssue>> {
    return ok(undefined);
  }

  async put(): Promise<Result<void, StorageIssue>> {
    return storageFailure("storage.io", `there is no journal: ${this.#why.message}`);
  }

  async numberHolder(): Promise<Result<CommandKey | undefined, StorageIssue>> {
    return ok(undefined);
  }

  async floor(): Promise<Result<number, StorageIssue>> {
    return ok(0);
  }

  async unfinished(): Promise<Result<readonly JournalEntry[], StorageIssue>> {
    return ok([]);
  }

  async recent(): Promise<Result<readonly JournalEntry[], StorageIssue>> {
    return ok([]);
  }

  async prune(): Promise<Result<number, StorageIssue>> {
    return ok(0);
  }
}
