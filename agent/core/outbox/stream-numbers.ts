import type { Stream } from "../../protocol/records.ts";
import type { StreamRange } from "./backlog.ts";
import { perStream } from "./empty-contents.ts";
import type { OutboxContents } from "./outbox-store.ts";

/** What an acknowledgement turned out to be. */
export type AckJudgement = "news" | "repeated" | "backwards" | "beyond";

interface Numbers {
  stored: number;
  oldest: number;
  /** Highest number on disk; what is above is not shown to the drain. */
  newest: number;
  /** Highest number given to a record, on disk or waiting. */
  given: number;
  /** Nothing is on disk above this number up to `newest`: what was there is lost, or was refused. Unknown when absent. */
  nothingAbove?: number;
  /** Highest number the cloud can know: read by the drain, or on disk when we started. */
  handedOut: number;
  /** Highest number read by the drain of this process; 0: none. */
  readHere: number;
}

/** The sequence numbers of every stream, from "given to a record" to "stored by the cloud". */
export class StreamNumbers {
  #streams: Record<Stream, Numbers>;

  constructor(contents: OutboxContents) {
    this.#streams = numbersOf(contents);
  }

  /** The store was opened again. With another log, numbers start where its contents end; else none given is given again. */
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

  /** A look at the disk found no row above `after`; the numbers up to `newest` are holes, and nobody has to wait for them. */
  nothingAbove(stream: Stream, after: number, newest: number): void {
    const numbers = this.#streams[stream];
    // Something came while it was being looked.
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
    // All that was there is gone; behind it are only holes.
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
