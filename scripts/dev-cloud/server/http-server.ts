import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { messageOf } from "../../../platform/ports/result.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { ApiError } from "./api-error.ts";
import { sendJson } from "./exchange.ts";
import type { HostGuard } from "./host-guard.ts";
import type { Handler, Router } from "./router.ts";

export interface HttpServerParts {
  readonly router: Router;
  readonly guard: HostGuard;
  /** What no route knows: static files. */
  readonly fallback: Handler;
  /** `/device/v1` as a WebSocket. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly log: Log;
}

const DEVICE_PATH = "/device/v1";
const UPLOAD_PATH = "/upload/";

/** Routes, guards, errors: every answer of the HTTP API leaves through here. */
export class HttpServer {
  readonly #parts: HttpServerParts;
  readonly #server: Server;

  constructor(parts: HttpServerParts) {
    this.#parts = parts;
    this.#server = createServer({ maxHeaderSize: 16 * 1024 }, (request, response) => {
      this.#answer(request, response).catch((thrown: unknown) => this.#failed(request, response, thrown));
    });
    this.#server.headersTimeout = 15_000;
    this.#server.requestTimeout = 10 * 60_000;
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    this.#server.on("clientError", (_error: Error, socket: Duplex) => {
      // Not HTTP at all. There is nobody to explain anything to.
      socket.destroy();
    });
  }

  /** Rejects with the system's own error when the port is taken or not allowed. Resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Takes no more connections and cuts those that are there. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { router, guard, fallback } = this.#parts;
    const url = new URL(request.url ?? "/", "http://localhost");
    guard.check(request, { api: url.pathname.startsWith("/api/"), anyOriginMayWrite: url.pathname.startsWith(UPLOAD_PATH) });
    const found = router.find(request.method ?? "GET", url.pathname);
    if (found === undefined && url.pathname.startsWith("/api/")) {
      throw new ApiError(404, {
        code: "request.no-such-path",
        message: `there is no ${url.pathname.slice(0, 200)}`,
        hint: "docs/dev-cloud-api.md lists all paths",
      });
    }
    const handler = found?.handler ?? fallback;
    await handler({ request, response, path: url.pathname, query: url.searchParams, params: found?.params ?? {} });
  }

  #failed(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (thrown instanceof ApiError) {
      sendJson(response, thrown.status, { error: thrown.issue, ...thrown.beside }, thrown.headers);
      return;
    }
    this.#parts.log.error(
      { error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown), path: request.url },
      "a request failed",
    );
    sendJson(response, 500, { error: { code: "server.bug", message: "the server failed; its log says why" } });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? "").split("?")[0];
    const host = request.headers.host ?? "";
    // A page's WebSocket names its origin: it cannot pose as a device, nor reach us by another name for loopback. A
    // packaged app on a panel is a page too, and says file://.
    const { origin } = request.headers;
    const isPage = origin !== undefined && origin !== "file://";
    const refused =
      path !== DEVICE_PATH ? "404 Not Found" : !this.#parts.guard.isOwnHost(host) || isPage ? "403 Forbidden" : undefined;
    if (refused === undefined) this.#parts.upgrade(request, socket, head);
    else socket.end(`HTTP/1.1 ${refused}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  }
}
