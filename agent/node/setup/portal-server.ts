import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { TokenBucket } from "../../../platform/runtime/token-bucket.ts";
import type { PortalAnswer, PortalRequest } from "../../core/setup/portal.ts";

/** Every request is a stranger's, so each of these is bounded. */
const BODY_BYTES_MAX = 4 * 1024;
const HEADER_BYTES_MAX = 8 * 1024;
const CONNECTIONS_MAX = 16;
const REQUEST_TIMEOUT_MS = 10_000;
const RATE = { burst: 60, perSecond: 5 };

export interface PortalServerDeps {
  readonly answer: (request: PortalRequest) => PortalAnswer;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
}

/** The HTTP server of the set-up portal. The caller makes it listen. */
export function createPortalServer({ answer, clock, log }: PortalServerDeps): Server {
  const bucket = new TokenBucket(clock, RATE);
  const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, keepAlive: false, connectionsCheckingInterval: 1_000 }, (request, response) => {
    if (!bucket.take()) return send(response, plain(429));
    readBody(request).then(
      (body) => send(response, body === undefined ? plain(413) : answer(asRequest(request, body))),
      (thrown: unknown) => {
        log.debug({ error: String(thrown) }, "a request to the set-up portal broke off");
        response.destroy();
      },
    );
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.maxRequestsPerSocket = 1;
  return server;
}

function asRequest({ method = "", url = "", headers }: IncomingMessage, body: string): PortalRequest {
  const { host = "", origin, "content-type": contentType } = headers;
  return {
    method, path: url.replace(/[?#].*$/s, ""), host: host.toLowerCase(), body,
    ...(origin === undefined ? {} : { origin }), ...(contentType === undefined ? {} : { contentType }),
  };
}

/** `undefined` when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function send(response: ServerResponse, { status, headers, body }: PortalAnswer): void {
  response.writeHead(status, headers);
  response.end(response.req.method === "HEAD" ? undefined : body);
}

function plain(status: 413 | 429): PortalAnswer {
  return { status, headers: { "content-type": "text/plain", connection: "close" }, body: status === 413 ? "Too large.\n" : "Too many requests. Wait a moment.\n" };
}
