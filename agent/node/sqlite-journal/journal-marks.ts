import { isDone, numberUsedBy, type JournalEntry } from "../../core/commands/journal-entry.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { isJsonObject } from "../../../platform/runtime/json.ts";
import { MarkFile, readMark } from "../sqlite/mark-file.ts";
import { storageIssueOrThrow } from "../sqlite/storage-issue.ts";

/** Owners whose highest number is kept: the one who sends, and some before. */
const OWNERS_MAX = 4;

/** The newest write that was on disk. */
export interface LastWrite {
  readonly id: string;
  readonly attempt: number;
  readonly owner: string;
  readonly number: number;
  /** How far the command had come: see `progressOf`. */
  readonly progress: number;
}

/** What the marks of an earlier life say. */
export interface OldJournalMarks {
  /** Highest number seen by owner. Never above what was on disk. */
  readonly highest: ReadonlyMap<string, number>;
  /** Absent where the power may have gone since: then an older write than the journal's last is nothing to wonder at. */
  readonly last?: LastWrite;
}

/**
 * How far the journal had come, in a file of its own: what a log that is cut off at its end, or a journal that is gone, no
 * longer knows has run, and must not run again. See docs/decisions, "marks beside the queue".
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

  /** What the marks beside the journal at `path` say; `undefined` where there are none that can be believed. */
  static read(path: string, boot: string): OldJournalMarks | undefined {
    const reading = readMark(pathBeside(path));
    if (reading.kind !== "found" || !Array.isArray(reading.mark["highest"])) return undefined;
    const pairs = reading.mark["highest"] as readonly Json[];
    const highest = new Map(pairs.flatMap((pair) => (Array.isArray(pair) && typeof pair[0] === "string" && Number.isSafeInteger(pair[1]) ? [[pair[0], Number(pair[1])] as const] : [])));
    const last = reading.mark["boot"] === boot ? lastWriteOf(reading.mark["last"]) : undefined;
    return last === undefined ? { highest } : { highest, last };
  }

  /** Begins marking, from what is known of the journal as it is. `undefined` where the disk takes no such file. */
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
   * The entry is on disk. To be called after its sync, and before anybody acts on it. `synced`: there is no journal on disk
   * beside the marks, so they have to survive a power cut by themselves. False: the disk did not take it.
   */
  note(entry: JournalEntry, synced = false): boolean {
    const { id, attempt, owner, number } = entry;
    const highest = Math.max(numberUsedBy(entry), this.#highest.get(owner) ?? 0);
    // The one who sends goes last, so that the first is who has been silent for longest.
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

/** Rises with every write of one command, so that an older state of it is told from a newer one. */
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
