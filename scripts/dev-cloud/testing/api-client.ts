import type { Json, JsonObject } from "../../../platform/runtime/json.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Headers;
}

/** HTTP API client for tests. */
export class ApiClient {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  get(path: string): Promise<ApiAnswer> {
    return this.send("GET", path);
  }

  post(path: string, body: Json = {}): Promise<ApiAnswer> {
    return this.send("POST", path, body);
  }

  put(path: string, body: Json): Promise<ApiAnswer> {
    return this.send("PUT", path, body);
  }

  async send(method: string, path: string, body?: Json, headers: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
    const response = await fetch(`${this.#base}/api/v1${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as JsonObject, headers: response.headers };
  }

  /** Opens the event stream. */
  async events(query = ""): Promise<EventFeed> {
    const abort = new AbortController();
    const response = await fetch(`${this.#base}/api/v1/events${query}`, { signal: abort.signal });
    if (response.body === null) throw new Error("an event stream without a body");
    return new EventFeed(response.body, abort);
  }
}

export class EventFeed {
  readonly #abort: AbortController;
  readonly #events: { readonly name: string; readonly data: JsonObject }[] = [];
  #wake: () => void = () => {};

  constructor(body: ReadableStream<Uint8Array>, abort: AbortController) {
    this.#abort = abort;
    this.#read(body).catch(() => {
      // Aborted by `close`, or the server is gone.
    });
  }

  /** Takes the next matching event with this name; all others stay queued. Throws after 10 s. */
  async next(name: string, fits: (data: JsonObject) => boolean = () => true): Promise<JsonObject> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const at = this.#events.findIndex((event) => event.name === name && fits(event.data));
      const [found] = at < 0 ? [] : this.#events.splice(at, 1);
      if (found !== undefined) return found.data;
      if (Date.now() > deadline) throw new Error(`no event ${name} came`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n")) {
        const lines = text.slice(0, at).split("\n");
        text = text.slice(at + 2);
        const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
        const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
        if (name !== undefined && data !== undefined) this.#events.push({ name, data: JSON.parse(data) as JsonObject });
      }
      this.#wake();
    }
  }
}
