/** Most distinct names counted; further ones are counted as `other`, because names may come from a server. */
const NAMES_MAX = 48;
const REST = "other";

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

/** Counters since the agent started, for `status`, `doctor` and telemetry. */
export class LinkCounters {
  framesReceived = 0;
  framesSent = 0;
  /** Counted in UTF-16 units, which equals bytes for ASCII text. */
  bytesReceived = 0;
  bytesSent = 0;
  attempts = 0;
  sessions = 0;
  /** Frames not sent: the transport's buffer was full or the frame was over the limit. */
  framesUnsent = 0;
  /** `error` messages from the cloud. */
  errorsReceived = 0;
  errorsSent = 0;
  /** Exceptions of handlers, caught by the session. */
  handlerFaults = 0;
  /** Frames refused, by code. */
  readonly refused = new NamedCounts();
  /** Words of a newer protocol in a known list or choice; they were ignored. */
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
