import type { Stream } from "../../protocol/records.ts";

interface Sent {
  readonly stream: Stream;
  readonly last: number;
  count: number;
}

/** Counts records sent in this session and not yet acknowledged, over all streams. */
export class SendWindow {
  #batches: Sent[] = [];
  #inFlight = 0;

  get inFlight(): number {
    return this.#inFlight;
  }

  sent(stream: Stream, last: number, count: number): void {
    this.#batches.push({ stream, last, count });
    this.#inFlight += count;
  }

  stored(upTo: Partial<Readonly<Record<Stream, number>>>): void {
    for (const batch of this.#batches) {
      // At most the numbers above the acknowledged one are left of a batch; an upper bound, since it may have holes.
      const left = Math.max(0, Math.min(batch.count, batch.last - (upTo[batch.stream] ?? 0)));
      this.#inFlight -= batch.count - left;
      batch.count = left;
    }
    this.#batches = this.#batches.filter((batch) => batch.count > 0);
  }
}
