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
  /** Nothing moved on the connection for this long: it is dead. */
  readonly idleTimeoutMs: number;
  /** No address nearer than this is connected to (error `http.too-near`). A proxy looks names up itself, so through one only an address in the url is judged. */
  readonly nearest?: Reach;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

export interface HttpSettings extends ProxySettings {
  /** Certificates to trust besides the machine's own, PEM. */
  readonly ca?: string;
}

/** An answer that nobody reads may be so long; a longer one is cut off, for one without an end would keep its connection for ever. */
const THROWN_AWAY_BYTES_MAX = 256 * 1024;
/** And so long in time: one that drips is never idle, and never long either. */
export const THROWN_AWAY_MS_MAX = 10_000;

/** An answer whose body is still to come. Whoever got it reads it to its end or destroys it. */
export interface OpenAnswer {
  readonly url: URL;
  readonly response: IncomingMessage;
}

/**
 * One HTTP request with its answer's status and headers; the answer's body is thrown away, within limits of bytes and time. Redirects are
 * not followed. The error has a code of the `Transport` port, `http.too-near`, or `http.bad-request` for what cannot be sent at all.
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

/** As `exchangeHttp`, with the body. The body breaks with an error when nothing moves for the idle time, and when the signal aborts. */
export function openHttp(request: HttpRequest, settings: HttpSettings): Promise<Result<OpenAnswer>> {
  return new Promise((resolve) => {
    const started = begin(request, settings);
    if (!started.ok) {
      resolve(started);
      return;
    }
    const { sent, url } = started.value;
    const failed = (error: unknown): void => resolve(err(error instanceof TooNear ? tooNear(error) : connectIssue(error, url, "synced")));
    // An answer may come before the whole body was taken; what breaks after it no longer matters, but to who reads on.
    sent.once("response", (response) => {
      response.once("close", () => sent.destroy());
      // Who reads it hears of it by reading; who does not must not fall over it.
      response.on("error", () => {});
      resolve(ok({ url, response }));
    });
    sent.once("timeout", () => sent.destroy(Object.assign(new Error(`nothing moved for ${request.idleTimeoutMs} ms`), { code: "ETIMEDOUT" })));
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
    // An agent of its own for each request. Where there is a tunnel there must be none: an agent makes its connections itself.
    if (proxy === undefined) options.agent = false;
    else {
      const tunnel = (_: RequestOptions, done: (error: Error | null, socket?: Socket) => void): void => openTunnel(proxy, url, tls, AbortSignal.any([request.signal, ended.signal]), done);
      options.createConnection = tunnel as NonNullable<RequestOptions["createConnection"]>;
    }
    const sent = url.protocol === "https:" ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options);
    // A tunnel that is still being opened when the request ends has nobody to be handed to. (A request that is given up says so itself only
    // once it has its connection, so the tunnel listens to the signal as well.)
    sent.once("close", () => ended.abort());
    return ok({ sent, url });
  } catch (thrown) {
    // Node throws on addresses and header values it will not send; both came from a cloud.
    return err(bad(thrown));
  }
}

function tooNear({ message }: TooNear): Issue {
  return { code: "http.too-near", message };
}
