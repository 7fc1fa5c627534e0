/** Different names a map of counters holds before the rest is counted together: names may come from a server. */
const NAMES_MAX = 48;
const REST = "other";

/** Counts by name, bounded in names. */
export class NamedCounts {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    const key = this.#counts.has(name) || this.#counts.size < NAMES_MAX ? name : REST;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}

/** What the link did since the agent started; for `status`, `doctor` and telemetry. */
export class LinkCounters {
  framesReceived = 0;
  framesSent = 0;
  /** UTF-16 units of the frames' text: a byte each in everything the protocol writes itself. */
  bytesReceived = 0;
  bytesSent = 0;
  attempts = 0;
  sessions = 0;
  /** Frames that were not sent because the transport's buffer was full or the frame was over the limit. */
  framesUnsent = 0;
  /** `error` messages from the cloud. */
  errorsReceived = 0;
  errorsSent = 0;
  /** What a handler threw, caught at the session's edge. */
  handlerFaults = 0;
  /** Frames refused, by code. */
  readonly refused = new NamedCounts();
  /** Words of a newer protocol in a list or choice that this version knows; each was passed over. */
  readonly unknownWords = new NamedCounts();
  /** Ends of attempts and sessions, by code. */
  readonly ends = new NamedCounts();

  snapshot(): LinkCounts {
    const { framesReceived, framesSent, bytesReceived, bytesSent, attempts, sessions } = this;
    const { framesUnsent, errorsReceived, errorsSent, handlerFaults } = this;
    return {
      framesReceived, framesSent, bytesReceived, bytesSent, attempts, sessions, framesUnsent, errorsReceived, errorsSent, handlerFaults,
      refused: this.refused.snapshot(),
      unknownWords: this.unknownWords.snapshot(),
      ends: this.ends.snapshot(),
    };
  }
}

export interface LinkCounts {
  readonly framesReceived: number;
  readonly framesSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly attempts: number;
  readonly sessions: number;
  readonly framesUnsent: number;
  readonly errorsReceived: number;
  readonly errorsSent: number;
  readonly handlerFaults: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly unknownWords: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, number>>;
}
