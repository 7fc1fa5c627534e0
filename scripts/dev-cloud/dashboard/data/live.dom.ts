import { messageOf } from "../../../../platform/ports/result.ts";
import { parseJson, type Json } from "../../../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../../../platform/runtime/retry-schedule.ts";
import { SseParser } from "../model/sse-parser.ts";

export type LiveState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** `sinceMs`: the last word from the server, by this browser's clock. */
  | { readonly kind: "lost"; readonly sinceMs: number; readonly why: string; readonly nextTryMs: number };

export interface LiveDeps {
  /** A word from the server: one of the events of the API. */
  onEvent(name: string, data: Json): void;
  onState(state: LiveState): void;
}

const RETRY: RetryPolicy = { firstMs: 1_000, factor: 1.7, capMs: 10_000, floorMs: 400 };
/** The server says something every 15 s; two of them missed is a server that hangs. */
const SILENCE_MS = 32_000;
const browserRandom = { next: () => Math.random(), bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };

/** Follows the event stream for ever: reconnects, and says when it is not live. */
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
      // A change of what is wanted reconnects at once and is no loss.
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

  /** Whether somebody looks at pictures: a page in the background asks no device for screenshots. */
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

  /** One session; resolves with why it ended. */
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
      // The connection broke, or we ended it for its silence; both end this session alone.
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
