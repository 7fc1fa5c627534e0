import type { Stream } from "../../protocol/records.ts";
import { perStream } from "./per-stream.ts";

/** Counts since the agent started, for status pages and tests. They count records unless named otherwise. */
export interface OutboxCounters {
  readonly accepted: Readonly<Record<Stream, number>>;
  readonly duplicates: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly evicted: Readonly<Record<Stream, number>>;
  /** Everything gap records report: evicted, refused by the outbox or the cloud, damaged. */
  readonly dropped: Readonly<Record<Stream, number>>;
  readonly damaged: number;
  readonly rejectedByCloud: number;
  /** Acknowledgements lower than an earlier one. */
  readonly acksBackwards: number;
  /** Acknowledgements of numbers that were never handed out. */
  readonly acksBeyond: number;
  readonly commits: number;
  readonly commitFailures: number;
  readonly reopened: number;
}

/** Mutable {@link OutboxCounters}. */
export class Counters {
  readonly accepted = perStream(() => 0);
  readonly evicted = perStream(() => 0);
  readonly dropped = perStream(() => 0);
  readonly refused: Record<string, number> = {};
  duplicates = 0;
  damaged = 0;
  rejectedByCloud = 0;
  acksBackwards = 0;
  acksBeyond = 0;
  commits = 0;
  commitFailures = 0;
  reopened = 0;

  refuse(code: string): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1;
  }

  snapshot(): OutboxCounters {
    return { ...this, accepted: { ...this.accepted }, evicted: { ...this.evicted }, dropped: { ...this.dropped }, refused: { ...this.refused } };
  }
}
