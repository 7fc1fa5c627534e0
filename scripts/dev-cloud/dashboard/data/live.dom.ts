import { messageOf } from "../../../../platform/ports/result.ts";
import { parseJson, type Json } from "../../../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../../../platform/runtime/retry-schedule.ts";
import { SseParser } from "../model/sse-parser.ts";

export type LiveState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** `sinceMs`: when the server was last heard, by this browser's clock. */
  | { readonly kind: "lost"; readonly sinceMs: number; readonly why: string; readonly nextTryMs: number };

export interface LiveDeps {
  /** Receives each event of the stream. */
  onEvent(name: string, data: Json): void;
  onState(state: LiveState): void;
}

const RETRY: RetryPolicy = { firstMs: 1_000, factor: 1.7, capMs: 10_000, floorMs: 400 };
/** The server sends a heartbeat every 15 s; two missing in a row mean that it hangs. */
const SILENCE_MS = 32_000;
const browserRandom = { next: () => Math.random(), bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };

/** Follows the event stream, reconnecting whenever it breaks, and reports whether it is live. */
export class Live {
  readonly #deps: LiveDeps;
  #screens = true;
  #session = new AbortController();
  #wake: (() => void) | undefined;
  #heardMs = Date.now();

  constructor(deps: LiveDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#deps.onState({ kind: "connecting" });
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const started = Date.now();
      const wanted = this.#screens;
      const why = await this.#follow(signal);
      if (signal.aborted) return;
      // `setScreens` ended the session: reconnect at once without reporting a loss.
      if (wanted !== this.#screens) {
        attempt = -1;
        continue;
      }
      if (this.#heardMs - started > 5_000) attempt = 0;
      const delayMs = retryDelayMs(RETRY, attempt, browserRandom);
      this.#deps.onState({ kind: "lost", sinceMs: this.#heardMs, why, nextTryMs: Date.now() + delayMs });
      await this.#pause(delayMs);
    }
  }

  /** Turns live pictures on or off: a page in the background must not make devices take screenshots. */
  setScreens(wanted: boolean): void {
    if (wanted === this.#screens) return;
    this.#screens = wanted;
    this.#session.abort();
    this.#wake?.();
  }

  retryNow(): void {
    this.#wake?.();
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Runs one session. Resolves with the reason why it ended. */
  async #follow(signal: AbortSignal): Promise<string> {
    const session = new AbortController();
    this.#session = session;
    const stop = (): void => session.abort();
    signal.addEventListener("abort", stop, { once: true });
    let silence = setTimeout(stop, SILENCE_MS);
    try {
      const response = await fetch(`/api/v1/events${this.#screens ? "?screens=all" : ""}`, { signal: session.signal, cache: "no-store", headers: { accept: "text/event-stream" } });
      if (!response.ok || response.body === null) return `the server answered ${response.status}`;
      const parser = new SseParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "the server closed the connection";
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE_MS);
        this.#heardMs = Date.now();
        for (const { event, data } of parser.push(value)) this.#deliver(event, data);
      }
    } catch (thrown) {
      // The connection broke, or the session was aborted.
      return session.signal.aborted ? "the server went silent" : messageOf(thrown);
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", stop);
      session.abort();
    }
  }

  #deliver(event: string, data: string): void {
    const json = parseJson(data);
    if (json === undefined) return;
    if (event === "hello") this.#deps.onState({ kind: "live" });
    this.#deps.onEvent(event, json);
  }
}
