import { dirname } from "node:path";
import { perStream } from "../../core/outbox/empty-contents.ts";
import type { GapEntry } from "../../core/outbox/outbox-store.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import { syncFolderNow } from "../../../platform/node/durable-file.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { MarkFile, readMark } from "./mark-file.ts";
import { fileBytes } from "./sqlite-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** So many numbers are set apart on disk at once; a sync of the marks for each half of them. */
const RESERVED_NUMBERS = 16_384;

/** How far one stream had come when the mark was written. */
export interface StreamMark {
  /** Highest number whose record was on disk. */
  readonly newest: number;
  /** Highest number the cloud had stored. */
  readonly stored: number;
  /** No number above this one was given. On disk before any number up to it was. */
  readonly reserved: number;
}

/** What the marks of an earlier life say. */
export interface OldMarks {
  readonly streams: Readonly<Record<Stream, StreamMark>>;
  /** False: the power may have gone since they were written, so that the outbox may have come further than they say. */
  readonly current: boolean;
}

export type MarksReading = OldMarks | "absent" | "unreadable";

export function marksPath(path: string): string {
  return `${path}.marks`;
}

/** Reads the marks beside the outbox at `path`. */
export function readMarks(path: string, boot: string): MarksReading {
  const reading = readMark(marksPath(path));
  if (reading.kind !== "found") return reading.kind;
  const { streams } = reading.mark;
  if (!isJsonObject(streams)) return "unreadable";
  const read = perStream((stream) => streamMarkOf(streams[stream]));
  return { streams: read, current: reading.mark["closed"] === true || reading.mark["boot"] === boot };
}

function streamMarkOf(value: Json | undefined): StreamMark {
  const [newest = 0, stored = 0, reserved = 0] = Array.isArray(value) ? value.map((one) => (Number.isSafeInteger(one) ? Number(one) : 0)) : [];
  return { newest, stored, reserved: Math.max(newest, reserved) };
}

export interface StreamEnds {
  readonly stored: number;
  readonly newest: number;
}

/**
 * High-water marks of an outbox, in a file of their own: whatever is cut off the end of its write-ahead log is missed
 * at the next start, and its numbers are not given again. See docs/decisions, "marks beside the outbox".
 */
export class OutboxMarks {
  readonly #file: MarkFile;
  readonly #boot: string;
  readonly #reserved: Record<Stream, number>;

  private constructor(file: MarkFile, boot: string) {
    this.#file = file;
    this.#boot = boot;
    this.#reserved = perStream(() => 0);
  }

  /** Begins marking. `undefined` where the disk takes no such file. */
  static open(path: string, boot: string, ends: Readonly<Record<Stream, StreamEnds>>): OutboxMarks | undefined {
    try {
      const isNew = fileBytes(marksPath(path)) === 0;
      const marks = new OutboxMarks(new MarkFile(marksPath(path)), boot);
      if (!marks.note(ends)) return undefined;
      if (isNew) syncFolderNow(dirname(path));
      return marks;
    } catch (thrown) {
      storageIssueOrThrow(thrown);
      return undefined;
    }
  }

  /**
   * The outbox has come this far on disk. To be called after the sync that made it so, and before anybody is told.
   * Costs a write to the kernel, and a sync once in thousands of numbers.
   */
  note(ends: Readonly<Record<Stream, StreamEnds>>): boolean {
    const short = STREAMS.filter((stream) => ends[stream].newest + RESERVED_NUMBERS / 2 > this.#reserved[stream]);
    for (const stream of short) this.#reserved[stream] = ends[stream].newest + RESERVED_NUMBERS;
    return this.#file.write(this.#textOf(ends, false), short.length > 0);
  }

  /** The outbox was closed as it should be. */
  close(ends: Readonly<Record<Stream, StreamEnds>>): void {
    this.#file.write(this.#textOf(ends, true), true);
    this.#file.close();
  }

  /** Lets go of the file, and leaves it as it is. */
  abandon(): void {
    this.#file.close();
  }

  #textOf(ends: Readonly<Record<Stream, StreamEnds>>, closed: boolean): JsonObject {
    return { boot: this.#boot, closed, streams: perStream((stream) => [ends[stream].newest, ends[stream].stored, this.#reserved[stream]]) };
  }
}

/** What is lost of one stream of which a database knows up to `newest`, and the number after which it goes on. */
export function missedBy(marks: OldMarks, stream: Stream, newest: number): { readonly gap?: GapEntry; readonly goOnAfter: number } {
  const mark = marks.streams[stream];
  if (mark.newest <= newest) return { goOnAfter: newest };
  // What the cloud had stored is not lost. Marks that may be older than the outbox was do not tell the last number.
  const goOnAfter = marks.current ? mark.newest : mark.reserved;
  const from = Math.max(newest, mark.stored) + 1;
  if (from > mark.newest) return { goOnAfter };
  return { goOnAfter, gap: { stream, reason: "corrupt", source: "", from, to: goOnAfter, count: mark.newest - from + 1 } };
}
