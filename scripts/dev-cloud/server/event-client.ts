import type { ServerResponse } from "node:http";

const PENDING_MESSAGES_MAX = 1_000;
const PENDING_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes the socket may buffer before messages wait in our own queue. */
const SOCKET_BYTES_MAX = 256 * 1024;

export interface EventFilter {
  readonly device: string | undefined;
  readonly types: ReadonlySet<string> | undefined;
  readonly screens: "all" | ReadonlySet<string>;
}

/** One client of the event stream. Events it does not read in time are dropped, and an `overflow` event says how many. */
export class EventClient {
  readonly #response: ServerResponse;
  readonly #filter: EventFilter;
  #queue: string[] = [];
  #queuedBytes = 0;
  #dropped = 0;

  constructor(response: ServerResponse, filter: EventFilter) {
    this.#response = response;
    this.#filter = filter;
    response.on("drain", () => this.#flush());
    response.on("error", () => {
      // The client disconnected during a write; "close" follows on the request.
    });
  }

  get screens(): "all" | ReadonlySet<string> {
    return this.#filter.screens;
  }

  wants(name: string, device: string): boolean {
    const { device: only, types } = this.#filter;
    return (only === undefined || only === device) && (types === undefined || types.has(name));
  }

  send(name: string, data: unknown): void {
    const text = `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    if (this.#queue.length === 0 && this.#response.writableLength < SOCKET_BYTES_MAX) {
      this.#response.write(text);
      return;
    }
    const bytes = Buffer.byteLength(text);
    if (this.#queue.length >= PENDING_MESSAGES_MAX || this.#queuedBytes + bytes > PENDING_BYTES_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(text);
    this.#queuedBytes += bytes;
  }

  comment(): void {
    if (this.#queue.length === 0 && this.#response.writableLength < SOCKET_BYTES_MAX) this.#response.write(": still here\n\n");
  }

  end(): void {
    this.#response.end();
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const text of queue) this.#response.write(text);
    if (this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.send("overflow", { dropped });
  }
}
