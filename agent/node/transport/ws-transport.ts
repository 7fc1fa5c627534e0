import type { ClientRequest, ClientRequestArgs, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { WebSocket, type ClientOptions, type PerMessageDeflateOptions, type RawData } from "ws";
import type { ClockQuality, Timers } from "../../../platform/ports/clock.ts";
import { err, messageOf, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { firstUtf8Bytes } from "../../../platform/runtime/encoding.ts";
import { FRAME_BYTES_MAX } from "../../protocol/limits.ts";
import type { Connection, ConnectionEvents, Failed, RefusalReason, Schemes, Transport, TransportIssue } from "../../core/cloud/cloud-port.ts";
import { connectIssue } from "./connect-error.ts";
import { openTunnel, proxyFor, type ProxySettings } from "./proxy-tunnel.ts";

/**
 * Larger frames end the connection. Frames between the protocol's limit and this one reach the gate, which refuses them
 * with a reason.
 */
export const RECEIVE_BYTES_MAX = 4 * FRAME_BYTES_MAX;
/** Limit on bytes waiting to be sent. The backlog stays far below it; the rest is for answers. */
export const SEND_BUFFER_BYTES_MAX = 1024 * 1024;
/** What a close frame has room for (RFC 6455 section 5.5). */
const CLOSE_REASON_BYTES_MAX = 123;
/** How long the peer may take to answer our close before the socket is destroyed. */
const CLOSE_GRACE_MS = 1_000;
const KEEP_ALIVE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 20_000;
/**
 * Offered to the server: cuts the bytes of an idle hour to less than a fifth for about 90 KiB of memory, measured in
 * docs/decisions/2026-11-22-websocket-compression.md. Small frames (acks, pings) are sent uncompressed.
 */
const DEFLATE: PerMessageDeflateOptions = {
  threshold: 512,
  clientMaxWindowBits: 12,
  serverMaxWindowBits: 12,
  zlibDeflateOptions: { level: 6, memLevel: 7 },
};

export interface WsTransportOptions extends ProxySettings {
  readonly timers: Timers;
  /** Current clock quality, to tell a wrong certificate from a wrong clock. */
  clockQuality(): Promise<ClockQuality>;
  /** Certificates trusted in addition to the machine's, PEM. */
  readonly ca?: string;
  readonly userAgent?: string;
  /** Tells what is behind a failed connection: a network without a cable, a portal. Default: the failure as it is. */
  readonly explain?: (issue: Issue, url: URL, proxied: boolean) => Promise<Issue>;
}

export class WsTransport implements Transport {
  readonly schemes: Schemes = new Map([["wss:", "secure"], ["ws:", "plain"]]);
  readonly #options: WsTransportOptions;

  constructor(options: WsTransportOptions) {
    this.#options = options;
  }

  async connect(address: string, events: ConnectionEvents, signal: AbortSignal): Promise<Result<Connection, TransportIssue>> {
    const url = URL.parse(address);
    if (url === null || !this.schemes.has(url.protocol)) return err(failed({ code: "link.address", message: `${address} is not a ws or wss address` }));
    const socket = this.#open(url);
    if (!socket.ok) return socket;
    const opened = await untilOpen(socket.value, events, signal, this.#options.timers);
    if (opened.ok) return opened;
    const answered = opened.error instanceof HttpAnswer ? opened.error.why : undefined;
    if (answered?.kind === "refused") return err(answered);
    if (signal.aborted) return err(failed({ code: "link.timeout", message: `${url.host}: aborted before the connection was open` }));
    const issue = answered ?? connectIssue(opened.error, url, await this.#options.clockQuality());
    const { explain } = this.#options;
    return err(failed(explain === undefined ? issue : await explain(issue, url, proxyFor(url, this.#options) !== undefined)));
  }

  #open(url: URL): Result<WebSocket, Failed> {
    const ended = new AbortController();
    const tls: ConnectionOptions = this.#options.ca === undefined ? {} : { ca: this.#options.ca };
    const options: ClientOptions = {
      ...(this.#options.ca === undefined ? {} : { ca: this.#options.ca }),
      maxPayload: RECEIVE_BYTES_MAX,
      perMessageDeflate: DEFLATE,
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      followRedirects: false,
      headers: { "user-agent": this.#options.userAgent ?? "vitrine" },
    };
    try {
      const proxy = proxyFor(url, this.#options);
      if (proxy !== undefined) {
        // Node's http also accepts the socket by callback, but its types only know the return value.
        const tunnel = (_: ClientRequestArgs, done: (error: Error | null, socket?: Socket) => void): void => openTunnel(proxy, url, tls, ended.signal, done);
        options.createConnection = tunnel as unknown as NonNullable<ClientOptions["createConnection"]>;
      }
      const socket = new WebSocket(url, options);
      // Stops opening a tunnel when the attempt has ended.
      socket.once("close", () => ended.abort());
      return ok(socket);
    } catch (thrown) {
      // ws throws on invalid addresses (with a fragment, for example), and the proxy setting may be invalid.
      return err(failed(connectIssue(thrown, url, "synced")));
    }
  }
}

/** The server answered the upgrade with a plain HTTP response. */
class HttpAnswer extends Error {
  override readonly name = "HttpAnswer";
  readonly why: TransportIssue;
  constructor(response: IncomingMessage) {
    const status = response.statusCode ?? 0;
    super(`HTTP ${status}`);
    const afterS = Number(response.headers["retry-after"] ?? Number.NaN);
    const retryAfter = Number.isSafeInteger(afterS) && afterS >= 0 ? { retryAfterMs: afterS * 1000 } : {};
    const issue: Issue = { code: `link.http-${status}`, message: `the server answered HTTP ${status} ${response.statusMessage ?? ""}`.trim() };
    const refused = status >= 400 && status < 500 && status !== 408;
    if (refused) this.why = { kind: "refused", reason: REFUSALS.get(status) ?? "other", ...issue, ...retryAfter };
    // Any other answer with a retry time comes from a busy server; 511 comes from the network.
    else this.why = "retryAfterMs" in retryAfter && status !== 511 ? { kind: "refused", reason: "too-busy", ...issue, ...retryAfter } : failed(issue);
  }
}

/** Meaning of 4xx answers. All others are failures, redirects included: captive portals redirect everything. */
const REFUSALS: ReadonlyMap<number, RefusalReason> = new Map([
  [401, "not-authorised"], [403, "not-authorised"], [407, "not-authorised"],
  [404, "unknown"], [410, "unknown"],
  [426, "version"],
  [429, "too-busy"],
]);

function failed(issue: Issue): Failed {
  return { kind: "failed", ...issue };
}

/** Resolves when the socket is open. Frames that arrive with the upgrade are delivered after this has returned the connection. */
function untilOpen(socket: WebSocket, events: ConnectionEvents, signal: AbortSignal, timers: Timers): Promise<Result<Connection, unknown>> {
  return new Promise((resolve) => {
    const onAbort = (): void => socket.terminate();
    const notOpened = (error: unknown): void => {
      signal.removeEventListener("abort", onAbort);
      resolve(err(error));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    // Stays attached: an unhandled later error would crash the process.
    socket.on("error", notOpened);
    socket.once("unexpected-response", (request: ClientRequest, response: IncomingMessage) => {
      response.resume();
      notOpened(new HttpAnswer(response));
      request.destroy();
    });
    socket.once("close", () => notOpened(new Error("closed before it was open")));
    socket.once("open", () => {
      socket.removeAllListeners("unexpected-response");
      signal.removeEventListener("abort", onAbort);
      resolve(ok(new WsConnection(socket, events, timers)));
    });
  });
}

class WsConnection implements Connection {
  readonly frameBytesMax = FRAME_BYTES_MAX;
  readonly #socket: WebSocket;
  readonly #events: ConnectionEvents;
  readonly #timers: Timers;
  #error: Issue | undefined;
  #over = false;

  constructor(socket: WebSocket, events: ConnectionEvents, timers: Timers) {
    this.#socket = socket;
    this.#events = events;
    this.#timers = timers;
    // ws does not expose its socket; this is the only place that reaches for it.
    const tcp = (socket as unknown as { readonly _socket?: Socket })._socket;
    tcp?.setNoDelay(true);
    tcp?.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (this.#over) return;
      if (isBinary) events.binary?.();
      else events.frame(textOf(data));
    });
    socket.on("error", (error) => (this.#error = sessionIssue(error)));
    socket.on("close", (code: number, reason: Buffer) => this.#end(this.#error ?? closeIssue(code, reason)));
  }

  send(frame: string): boolean {
    if (this.#over || this.#socket.readyState !== WebSocket.OPEN) return false;
    const bytes = Buffer.byteLength(frame);
    if (bytes > FRAME_BYTES_MAX || this.#socket.bufferedAmount + bytes > SEND_BUFFER_BYTES_MAX) return false;
    // Failures show as `close`; the callback only keeps ws from throwing them.
    this.#socket.send(frame, () => {});
    return true;
  }

  bufferedBytes(): number {
    return this.#over ? 0 : this.#socket.bufferedAmount;
  }

  close(reason: string): void {
    if (this.#over) return;
    this.#end({ code: "link.closed", message: `closed by the device: ${reason}` });
    this.#socket.close(1000, firstUtf8Bytes(reason, CLOSE_REASON_BYTES_MAX));
    const grace = this.#timers.after("link.close-grace", CLOSE_GRACE_MS, () => this.#socket.terminate());
    this.#socket.once("close", () => grace.cancel());
  }

  #end(why: Issue): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.closed(failed(why));
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString("utf8");
}

function sessionIssue(error: Error): Issue {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return { code: "frame.too-large", message: `the server sent a frame over ${RECEIVE_BYTES_MAX} bytes` };
  if (code.startsWith("WS_ERR_")) return { code: "link.protocol", message: `the server broke the WebSocket protocol: ${error.message}` };
  return { code: "link.network", message: messageOf(error) };
}

function closeIssue(code: number, reason: Buffer): Issue {
  const said = reason.length === 0 ? "" : `: ${reason.toString("utf8")}`;
  // ws reports 1006 when the connection ended without a close frame.
  if (code === 1006) return { code: "link.network", message: "the connection was interrupted" };
  return { code: "link.closed", message: `the server closed the connection with ${code}${said}` };
}
