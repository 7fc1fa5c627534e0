import type { Stream } from "../../protocol/records.ts";
import type { StreamRange } from "./backlog.ts";
import { perStream } from "./per-stream.ts";
import type { OutboxContents } from "./outbox-store.ts";

export type AckJudgement = "news" | "repeated" | "backwards" | "beyond";

interface Numbers {
  stored: number;
  oldest: number;
  /** Highest number on disk; the drain sees nothing above it. */
  newest: number;
  /** Highest number assigned to a record, on disk or pending. */
  given: number;
  /** No row exists above this number up to `newest`: they were lost or rejected. Absent when unknown. */
  nothingAbove?: number;
  /** Highest number the cloud can know: read by the drain, or on disk at the start. */
  handedOut: number;
  /** Highest number read by the drain in this process; 0 when none. */
  readHere: number;
}

/** The sequence numbers of every stream, from assignment to acknowledgement. */
export class StreamNumbers {
  #streams: Record<Stream, Numbers>;

  constructor(contents: OutboxContents) {
    this.#streams = numbersOf(contents);
  }

  /** The store was reopened. In a new log, numbers continue from its contents; in the same log, none is assigned twice. */
  adopt(contents: OutboxContents, sameLog: boolean): void {
    const before = this.#streams;
    this.#streams = numbersOf(contents);
    if (!sameLog) return;
    for (const [stream, numbers] of Object.entries(this.#streams) as [Stream, Numbers][]) {
      numbers.given = Math.max(numbers.given, before[stream].given);
      numbers.stored = Math.max(numbers.stored, before[stream].stored);
      numbers.oldest = Math.max(numbers.oldest, numbers.stored + 1);
    }
  }

  give(stream: Stream): number {
    this.#streams[stream].given += 1;
    return this.#streams[stream].given;
  }

  /** The last number given was not used after all. */
  takeBack(stream: Stream, seq: number): void {
    if (this.#streams[stream].given === seq) this.#streams[stream].given = seq - 1;
  }

  onDisk(stream: Stream, seq: number): void {
    const numbers = this.#streams[stream];
    if (seq > numbers.newest) delete numbers.nothingAbove;
    numbers.newest = Math.max(numbers.newest, seq);
  }

  /** A read found no row above `after`: the numbers up to `newest` are holes and need not be waited for. */
  nothingAbove(stream: Stream, after: number, newest: number): void {
    const numbers = this.#streams[stream];
    // New rows arrived during the read.
    if (numbers.newest !== newest) return;
    numbers.nothingAbove = Math.min(after, numbers.nothingAbove ?? after);
    this.goneUpTo(stream, 0);
  }

  handedOut(stream: Stream, seq: number): void {
    const numbers = this.#streams[stream];
    numbers.handedOut = Math.max(numbers.handedOut, seq);
    numbers.readHere = Math.max(numbers.readHere, seq);
  }

  readHere(stream: Stream): number {
    return this.#streams[stream].readHere;
  }

  judgeAck(stream: Stream, upTo: number): AckJudgement {
    const numbers = this.#streams[stream];
    if (upTo === numbers.stored) return "repeated";
    if (upTo < numbers.stored) return "backwards";
    return upTo > numbers.handedOut ? "beyond" : "news";
  }

  stored(stream: Stream, upTo: number): void {
    this.#streams[stream].stored = upTo;
    this.goneUpTo(stream, upTo);
  }

  goneUpTo(stream: Stream, upTo: number): void {
    const numbers = this.#streams[stream];
    numbers.oldest = Math.max(numbers.oldest, upTo + 1);
    // All rows are gone; only holes are left.
    if (numbers.nothingAbove !== undefined && numbers.oldest > numbers.nothingAbove) numbers.oldest = Math.max(numbers.oldest, numbers.newest + 1);
  }

  gone(stream: Stream, seq: number): void {
    if (this.#streams[stream].oldest === seq) this.goneUpTo(stream, seq);
  }

  range(stream: Stream): StreamRange {
    const { stored, oldest, newest } = this.#streams[stream];
    return { stored, oldest, newest };
  }

  ranges(): Record<Stream, StreamRange> {
    return perStream((stream) => this.range(stream));
  }
}

function numbersOf(contents: OutboxContents): Record<Stream, Numbers> {
  return perStream((stream) => {
    const { stored, oldest, newest } = contents.streams[stream];
    return { stored, oldest, newest, given: newest, handedOut: newest, readHere: 0 };
  });
}
