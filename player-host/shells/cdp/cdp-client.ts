import type { Readable, Writable } from "node:stream";
import type { ProtocolMapping } from "devtools-protocol/types/protocol-mapping.d.ts";
import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf, stackOf } from "../../../platform/ports/result.ts";
import { MessageReader, type MessageHead, type ReadMessage } from "./message-reader.ts";

export type CdpCommands = ProtocolMapping.Commands;
export type CdpEvents = ProtocolMapping.Events;
export type CdpParams<M extends keyof CdpCommands> = CdpCommands[M]["paramsType"][0];
export type CdpResult<M extends keyof CdpCommands> = CdpCommands[M]["returnType"];
export type CdpEventParams<E extends keyof CdpEvents> = CdpEvents[E] extends [infer P] ? P : undefined;

/** A DevTools protocol connection: the pipe to a browser, or Electron's debugger of one page. */
export interface Cdp {
  /** Rejects only with a `CdpError`. */
  call<M extends keyof CdpCommands>(method: M, params: CdpParams<M>, options?: CdpCallOptions): Promise<CdpResult<M>>;
  /** Listens to one event of the browser (no session) or of one session. Returns the unsubscribe function. */
  on<E extends keyof CdpEvents>(event: E, sessionId: string | undefined, listener: (params: CdpEventParams<E>) => void): () => void;
  /** Listens to events too long to be read, because some of them still need an answer. */
  onOversized(listener: OversizedListener): void;
}

/** The event's name, and its first 256 bytes. */
export type OversizedListener = (method: string, start: string) => void;

export interface CdpCallOptions {
  readonly sessionId?: string | undefined;
  readonly timeoutMs?: number;
}

/** The browser answered with an error, did not answer in time, or went away. */
export class CdpError extends Error {
  override readonly name = "CdpError";
  /** `refused`: the browser's own error. `timeout`: no answer by the deadline. `closed`: the pipe is gone. `busy`: too many open calls. */
  readonly kind: "refused" | "timeout" | "closed" | "busy";

  constructor(kind: CdpError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The message of a `CdpError`; rethrows anything else, which is a bug. */
export function cdpFailure(thrown: unknown): string {
  if (thrown instanceof CdpError) return thrown.message;
  throw thrown;
}

export interface CdpPipes {
  /** Commands to the browser: its file descriptor 3. */
  readonly toBrowser: Writable;
  /** Answers and events: its file descriptor 4. */
  readonly fromBrowser: Readable;
}

interface Open {
  readonly method: string;
  readonly sessionId: string | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: CdpError) => void;
}

interface Listener {
  readonly sessionId: string | undefined;
  readonly call: (params: unknown) => void;
}

interface Incoming {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

/** Limit for answers and screencast frames, which come only on request: a PNG of a 4K screen in base64 is at most about 30 MB. */
const ASKED_BYTES_MAX = 96 * 1024 * 1024;
/** Limit for other events. An event has one or two addresses of at most 2 MiB (Chromium's limit). */
const EVENT_BYTES_MAX = 8 * 1024 * 1024;
/** Limit for text from the page's scripts: a page API call has at most 8 KiB, and 500 characters of an error are kept. */
const PAGE_TEXT_BYTES_MAX = 256 * 1024;
const OPEN_CALLS_MAX = 2_000;
export const CALL_TIMEOUT_MS = 10_000;

/**
 * The DevTools protocol over the debugging pipe. Every call has a deadline, the number of open calls is limited, and the
 * end of the pipe fails all open calls.
 */
export class CdpClient implements Cdp {
  readonly #toBrowser: Writable;
  readonly #reader = new MessageReader((head) => this.#bytesMaxOf(head));
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #open = new Map<number, Open>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #onClosed = new Set<(why: string) => void>();
  readonly #onOversized = new Set<OversizedListener>();
  #lastId = 0;
  #oversized = 0;
  #closedBecause: string | undefined;

  constructor(pipes: CdpPipes, deps: { readonly timers: Timers; readonly log: Log }) {
    this.#toBrowser = pipes.toBrowser;
    this.#timers = deps.timers;
    this.#log = deps.log;
    pipes.fromBrowser.on("data", (chunk: Buffer) => this.#read(chunk));
    pipes.fromBrowser.on("close", () => this.#end("the browser closed its debugging pipe"));
    pipes.fromBrowser.on("error", (error) => this.#end(messageOf(error)));
    pipes.toBrowser.on("error", (error) => this.#end(messageOf(error)));
  }

  /** Runs once when the pipe has ended, on either side. */
  onClosed(listener: (why: string) => void): void {
    if (this.#closedBecause === undefined) this.#onClosed.add(listener);
    else listener(this.#closedBecause);
  }

  call<M extends keyof CdpCommands>(method: M, params: CdpParams<M>, options: CdpCallOptions = {}): Promise<CdpResult<M>> {
    if (this.#closedBecause !== undefined) return Promise.reject(new CdpError("closed", `${method}: ${this.#closedBecause}`));
    if (this.#open.size >= OPEN_CALLS_MAX) return Promise.reject(new CdpError("busy", `${method}: ${OPEN_CALLS_MAX} calls are open`));
    const id = (this.#lastId += 1);
    const { sessionId, timeoutMs = CALL_TIMEOUT_MS } = options;
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(`cdp.${method}`, timeoutMs, () => {
        this.#open.delete(id);
        reject(new CdpError("timeout", `${method} was not answered within ${timeoutMs} ms`));
      });
      this.#open.set(id, {
        method,
        sessionId,
        resolve: (result) => {
          timer.cancel();
          resolve(result as CdpResult<M>);
        },
        reject: (error) => {
          timer.cancel();
          reject(error);
        },
      });
      this.#toBrowser.write(`${JSON.stringify({ id, method, params: params ?? {}, sessionId })}\0`);
    });
  }

  on<E extends keyof CdpEvents>(event: E, sessionId: string | undefined, listener: (params: CdpEventParams<E>) => void): () => void {
    const set = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, set);
    const entry: Listener = { sessionId, call: (params) => listener(params as CdpEventParams<E>) };
    set.add(entry);
    return () => {
      set.delete(entry);
    };
  }

  onOversized(listener: OversizedListener): void {
    this.#onOversized.add(listener);
  }

  /** Messages too long to be read since the start. */
  get oversized(): number {
    return this.#oversized;
  }

  /** Closes the pipe; a browser started for it then ends by itself. */
  close(): void {
    this.#toBrowser.end();
    this.#end("closed by the host");
  }

  #read(chunk: Buffer): void {
    if (this.#closedBecause !== undefined) return;
    for (const message of this.#reader.push(chunk)) this.#readOne(message);
  }

  #readOne(message: ReadMessage): void {
    if (message.kind === "over") return this.#skipped(message);
    let parsed: Incoming;
    try {
      parsed = JSON.parse(message.text) as Incoming;
    } catch (thrown) {
      // Not JSON. The next message begins after the NUL byte, which JSON text cannot contain.
      this.#log.error({ error: messageOf(thrown) }, "a message of the browser could not be read");
      return;
    }
    this.#take(parsed);
  }

  #bytesMaxOf(head: MessageHead): number {
    if (head.kind !== "event") return ASKED_BYTES_MAX;
    // Events without a listener are skipped: a page can write a hundred megabytes to its console.
    if ((this.#listeners.get(head.method)?.size ?? 0) === 0) return 0;
    if (head.method === "Page.screencastFrame") return ASKED_BYTES_MAX;
    return head.method.startsWith("Runtime.") ? PAGE_TEXT_BYTES_MAX : EVENT_BYTES_MAX;
  }

  #skipped({ head, start, bytes }: Extract<ReadMessage, { kind: "over" }>): void {
    this.#oversized += 1;
    this.#log.debug({ head, bytes }, "a message was too long to read");
    if (head.kind === "answer") {
      const open = this.#open.get(head.id);
      this.#open.delete(head.id);
      open?.reject(new CdpError("refused", `${open.method}: the answer has ${bytes} bytes, over ${ASKED_BYTES_MAX}`));
    } else if (head.kind === "event") {
      for (const listener of this.#onOversized) listener(head.method, start);
    }
  }

  #take(message: Incoming): void {
    if (message.id !== undefined) {
      const open = this.#open.get(message.id);
      this.#open.delete(message.id);
      if (message.error === undefined) open?.resolve(message.result);
      else open?.reject(new CdpError("refused", `${open.method}: ${message.error.message ?? "refused"}`));
      return;
    }
    for (const entry of [...(this.#listeners.get(message.method ?? "") ?? [])]) {
      if (entry.sessionId === message.sessionId) this.#tell(entry, message);
    }
  }

  #tell(entry: Listener, message: Incoming): void {
    try {
      entry.call(message.params);
    } catch (thrown) {
      // A bug in one listener must not stop the stream of messages.
      this.#log.error({ method: message.method, error: stackOf(thrown) }, "listener threw");
    }
  }

  #end(why: string): void {
    if (this.#closedBecause !== undefined) return;
    this.#closedBecause = why;
    for (const open of this.#open.values()) open.reject(new CdpError("closed", `${open.method}: ${why}`));
    this.#open.clear();
    for (const listener of this.#onClosed) listener(why);
    this.#onClosed.clear();
  }
}
