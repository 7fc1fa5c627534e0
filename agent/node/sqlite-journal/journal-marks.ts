import { isDone, numberUsedBy, type JournalEntry } from "../../core/commands/journal-entry.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { isJsonObject } from "../../../platform/runtime/json.ts";
import { MarkFile, readMark } from "../sqlite/mark-file.ts";
import { storageIssueOrThrow } from "../sqlite/storage-issue.ts";

/** Number of owners whose highest number is kept: the current one and some before. */
const OWNERS_MAX = 4;

/** The newest write on disk. */
export interface LastWrite {
  readonly id: string;
  readonly attempt: number;
  readonly owner: string;
  readonly number: number;
  /** Progress of the command, see `progressOf`. */
  readonly progress: number;
}

/** Marks left by an earlier run. */
export interface OldJournalMarks {
  /** Highest number seen, by owner. Never above what was on disk. */
  readonly highest: ReadonlyMap<string, number>;
  /** Absent when a power cut may have happened since: then the journal may well be newer than the marks. */
  readonly last?: LastWrite;
}

/**
 * High-water marks of the journal in a file of its own. Commands that a truncated or missing journal has forgotten have
 * run and must not run again. See docs/decisions/2026-11-23-marks-beside-the-queue.md.
 */
export class JournalMarks {
  readonly #file: MarkFile;
  readonly #boot: string;
  readonly #highest: Map<string, number>;

  private constructor(file: MarkFile, boot: string, highest: ReadonlyMap<string, number>) {
    this.#file = file;
    this.#boot = boot;
    this.#highest = new Map([...highest].slice(-OWNERS_MAX));
  }

  /** Reads the marks beside the journal at `path`; `undefined` when there are none that can be trusted. */
  static read(path: string, boot: string): OldJournalMarks | undefined {
    const reading = readMark(pathBeside(path));
    if (reading.kind !== "found" || !Array.isArray(reading.mark["highest"])) return undefined;
    const pairs = reading.mark["highest"] as readonly Json[];
    const highest = new Map(pairs.flatMap((pair) => (Array.isArray(pair) && typeof pair[0] === "string" && Number.isSafeInteger(pair[1]) ? [[pair[0], Number(pair[1])] as const] : [])));
    const last = reading.mark["boot"] === boot ? lastWriteOf(reading.mark["last"]) : undefined;
    return last === undefined ? { highest } : { highest, last };
  }

  /** Starts marking from the given state. `undefined` when the disk does not take the file. */
  static open(path: string, boot: string, { highest, last }: OldJournalMarks): JournalMarks | undefined {
    try {
      const marks = new JournalMarks(new MarkFile(pathBeside(path)), boot, highest);
      marks.#write(last);
      return marks;
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      return undefined;
    }
  }

  /**
   * Records that the entry is on disk. Call after its sync and before anybody acts on it. `synced`: without a journal on
   * disk the marks must survive a power cut by themselves. Returns false when the disk did not take it.
   */
  note(entry: JournalEntry, synced = false): boolean {
    const { id, attempt, owner, number } = entry;
    const highest = Math.max(numberUsedBy(entry), this.#highest.get(owner) ?? 0);
    // Move the sender to the end, so that the first is the one silent for longest.
    this.#highest.delete(owner);
    this.#highest.set(owner, highest);
    for (const [name] of this.#highest) if (this.#highest.size > OWNERS_MAX) this.#highest.delete(name);
    return this.#write({ id, attempt, owner, number, progress: progressOf(entry) }, synced);
  }

  #write(last: LastWrite | undefined, synced = false): boolean {
    return this.#file.write({ boot: this.#boot, highest: [...this.#highest], ...(last && { last: { ...last } }) }, synced);
  }

  close(): void {
    this.#file.close();
  }
}

/** Increases with every write of a command, so that an older state can be told from a newer one. */
export function progressOf(entry: JournalEntry): number {
  switch (entry.state.kind) {
    case "delivered":
      return 0;
    case "running":
      return 1_000 + 100 * entry.restarts + Object.keys(entry.state.note ?? {}).length;
    case "final":
      return isDone(entry) ? 1_000_000 : 999_999;
  }
}

function lastWriteOf(value: Json | undefined): LastWrite | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, attempt, owner, number, progress } = value;
  if (typeof id !== "string" || typeof attempt !== "number" || typeof owner !== "string" || typeof number !== "number" || typeof progress !== "number") return undefined;
  return { id, attempt, owner, number, progress };
}

function pathBeside(path: string): string {
  return `${path}.marks`;
}
