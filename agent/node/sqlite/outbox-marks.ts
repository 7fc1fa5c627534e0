import { dirname } from "node:path";
import { perStream } from "../../core/outbox/per-stream.ts";
import type { GapEntry } from "../../core/outbox/outbox-store.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import { syncFolderNow } from "../../../platform/node/durable-file.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { MarkFile, readMark } from "./mark-file.ts";
import { fileBytes } from "./sqlite-file.ts";
import { storageIssueOrThrow } from "./storage-issue.ts";

/** How many sequence numbers are reserved on disk at once. The marks are synced once per half of them. */
const RESERVED_NUMBERS = 16_384;

/** State of one stream when the mark was written. */
export interface StreamMark {
  /** Highest sequence number whose record was on disk. */
  readonly newest: number;
  /** Highest sequence number that the cloud had stored. */
  readonly stored: number;
  /** No higher sequence number was assigned. On disk before any number up to it is assigned. */
  readonly reserved: number;
}

/** Marks left by an earlier run. */
export interface OldMarks {
  readonly streams: Readonly<Record<Stream, StreamMark>>;
  /** False when a power cut may have left the marks older than the outbox. */
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
 * High-water marks of an outbox in a file of its own. With them, a cut at the end of the WAL is noticed at the next start,
 * and its sequence numbers are not reused. See docs/decisions/2026-11-23-marks-beside-the-queue.md.
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

  /** Starts marking. `undefined` when the disk does not take the file. */
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
   * Records the outbox's state on disk. Call after the sync and before confirming the write. Costs a write to the kernel,
   * and a sync once per several thousand numbers.
   */
  note(ends: Readonly<Record<Stream, StreamEnds>>): boolean {
    const short = STREAMS.filter((stream) => ends[stream].newest + RESERVED_NUMBERS / 2 > this.#reserved[stream]);
    for (const stream of short) this.#reserved[stream] = ends[stream].newest + RESERVED_NUMBERS;
    return this.#file.write(this.#textOf(ends, false), short.length > 0);
  }

  /** Records a clean close of the outbox. */
  close(ends: Readonly<Record<Stream, StreamEnds>>): void {
    this.#file.write(this.#textOf(ends, true), true);
    this.#file.close();
  }

  /** Closes the file without changing it. */
  abandon(): void {
    this.#file.close();
  }

  #textOf(ends: Readonly<Record<Stream, StreamEnds>>, closed: boolean): JsonObject {
    return { boot: this.#boot, closed, streams: perStream((stream) => [ends[stream].newest, ends[stream].stored, this.#reserved[stream]]) };
  }
}

/** The loss in a stream whose database knows numbers up to `newest`, and the number after which to continue. */
export function missedBy(marks: OldMarks, stream: Stream, newest: number): { readonly gap?: GapEntry; readonly goOnAfter: number } {
  const mark = marks.streams[stream];
  if (mark.newest <= newest) return { goOnAfter: newest };
  // Records the cloud has stored are not lost. Stale marks do not know the last number, so skip all reserved ones.
  const goOnAfter = marks.current ? mark.newest : mark.reserved;
  const from = Math.max(newest, mark.stored) + 1;
  if (from > mark.newest) return { goOnAfter };
  return { goOnAfter, gap: { stream, reason: "corrupt", source: "", from, to: goOnAfter, count: mark.newest - from + 1 } };
}
