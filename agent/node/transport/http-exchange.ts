import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Timers } from "../../../platform/ports/clock.ts";
import { err, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { connectIssue } from "./connect-error.ts";
import { isNearer, lookupFrom, reachOf, TooNear, type Reach } from "./address-reach.ts";
import { openTunnel, proxyFor, type ProxySettings } from "./proxy-tunnel.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The connection counts as dead after this long without traffic. */
  readonly idleTimeoutMs: number;
  /**
   * Refuses nearer addresses (error `http.too-near`). A proxy resolves names itself, so with one only an IP address in the
   * URL is checked.
   */
  readonly nearest?: Reach;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

export interface HttpSettings extends ProxySettings {
  /** Certificates trusted in addition to the machine's, PEM. */
  readonly ca?: string;
}

/** Limit on a discarded answer; one without an end would keep its connection forever. */
const THROWN_AWAY_BYTES_MAX = 256 * 1024;
/** Time limit on a discarded answer: one that trickles in is never idle and never long. */
export const THROWN_AWAY_MS_MAX = 10_000;

/** An answer whose body has not been read. The caller must read it to the end or destroy it. */
export interface OpenAnswer {
  readonly url: URL;
  readonly response: IncomingMessage;
}

/**
 * Sends an HTTP request and returns status and headers. The body is discarded, within limits of bytes and time. Redirects
 * are not followed. The error has a code of the `Transport` port, `http.too-near`, or `http.bad-request` for a request
 * that cannot be sent.
 */
export async function exchangeHttp(request: HttpRequest, settings: HttpSettings, timers: Timers): Promise<Result<HttpAnswer>> {
  const answer = await openHttp(request, settings);
  if (!answer.ok) return answer;
  const { response } = answer.value;
  const deadline = timers.after("http.thrown-away", THROWN_AWAY_MS_MAX, () => response.destroy());
  response.once("close", () => deadline.cancel());
  let thrownAwayBytes = 0;
  response.on("data", (chunk: Buffer) => {
    thrownAwayBytes += chunk.length;
    if (thrownAwayBytes > THROWN_AWAY_BYTES_MAX) response.destroy();
  });
  return ok({ status: response.statusCode ?? 0, headers: response.headers });
}

/** Like `exchangeHttp`, but with the body, which fails when the connection is idle for too long or the signal aborts. */
export function openHttp(request: HttpRequest, settings: HttpSettings): Promise<Result<OpenAnswer>> {
  return new Promise((resolve) => {
    const started = begin(request, settings);
    if (!started.ok) {
      resolve(started);
      return;
    }
    const { sent, url } = started.value;
    const failed = (error: unknown): void => resolve(err(error instanceof TooNear ? tooNear(error) : connectIssue(error, url, "synced")));
    // The answer may arrive before the whole body was sent; later errors matter only to the reader of the answer.
    sent.once("response", (response) => {
      response.once("close", () => sent.destroy());
      // A reader gets the error from reading; without a reader it must not crash the process.
      response.on("error", () => {});
      resolve(ok({ url, response }));
    });
    sent.once("timeout", () => sent.destroy(Object.assign(new Error(`no data for ${request.idleTimeoutMs} ms`), { code: "ETIMEDOUT" })));
    sent.on("error", failed);
    sent.once("close", () => failed(new Error("the connection closed before an answer came")));
    sent.end(request.body);
  });
}

function begin(request: HttpRequest, settings: HttpSettings): Result<{ readonly sent: ClientRequest; readonly url: URL }> {
  const ended = new AbortController();
  const bad = (thrown: unknown): Issue => ({ code: "http.bad-request", message: thrown instanceof Error ? thrown.message : String(thrown) });
  try {
    const url = new URL(request.url);
    const tls: ConnectionOptions = settings.ca === undefined ? {} : { ca: settings.ca };
    const options: RequestOptions = { method: request.method, headers: request.headers, signal: request.signal, timeout: request.idleTimeoutMs };
    const proxy = proxyFor(url, settings);
    if (request.nearest !== undefined) {
      const name = url.hostname.replace(/^\[|\]$/g, "");
      if (isIP(name) !== 0 && isNearer(reachOf(name), request.nearest)) return err(tooNear(new TooNear(name, reachOf(name))));
      options.lookup = lookupFrom(request.nearest);
    }
    // `false`: one agent per request. With a tunnel it must stay unset, because an agent makes its own connections.
    if (proxy === undefined) options.agent = false;
    else {
      const tunnel = (_: RequestOptions, done: (error: Error | null, socket?: Socket) => void): void => openTunnel(proxy, url, tls, AbortSignal.any([request.signal, ended.signal]), done);
      options.createConnection = tunnel as NonNullable<RequestOptions["createConnection"]>;
    }
    const sent = url.protocol === "https:" ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options);
    // Stops opening a tunnel whose request has ended. (An aborted request closes only once it has its connection, so the tunnel also
    // listens to the signal.)
    sent.once("close", () => ended.abort());
    return ok({ sent, url });
  } catch (thrown) {
    // Node throws on invalid addresses and header values; both came from a cloud.
    return err(bad(thrown));
  }
}

function tooNear({ message }: TooNear): Issue {
  return { code: "http.too-near", message };
}
