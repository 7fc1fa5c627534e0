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
  /** Highest number the cloud can know: read by the drain, or on disk when we started. */
  handedOut: number;
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
    this.#streams[stream].newest = Math.max(this.#streams[stream].newest, seq);
  }

  handedOut(stream: Stream, seq: number): void {
    this.#streams[stream].handedOut = Math.max(this.#streams[stream].handedOut, seq);
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
    this.#streams[stream].oldest = Math.max(this.#streams[stream].oldest, upTo + 1);
  }

  gone(stream: Stream, seq: number): void {
    if (this.#streams[stream].oldest === seq) this.#streams[stream].oldest = seq + 1;
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
    return { stored, oldest, newest, given: newest, handedOut: newest };
  });
}
