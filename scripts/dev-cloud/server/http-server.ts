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
  /** Handles paths without a route: static files. */
  readonly fallback: Handler;
  /** Takes over WebSocket upgrades of `/device/v1`. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly log: Log;
}

const DEVICE_PATH = "/device/v1";
const UPLOAD_PATH = "/upload/";

/** The HTTP server: guards, routes and error responses. */
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
      // Not valid HTTP, so no response is possible.
      socket.destroy();
    });
  }

  /** Resolves with the port. Rejects with the system error when the port is taken or not allowed. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Stops listening and cuts all connections. */
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
    sendJson(response, 500, { error: { code: "server.bug", message: "internal error; see the server's log" } });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = (request.url ?? "").split("?")[0];
    const host = request.headers.host ?? "";
    // A web page's WebSocket carries its Origin, so a page cannot pose as a device. A packaged app on a panel is a
    // page too, with the origin file://.
    const { origin } = request.headers;
    const isPage = origin !== undefined && origin !== "file://";
    const refused =
      path !== DEVICE_PATH ? "404 Not Found" : !this.#parts.guard.isOwnHost(host) || isPage ? "403 Forbidden" : undefined;
    if (refused === undefined) this.#parts.upgrade(request, socket, head);
    else socket.end(`HTTP/1.1 ${refused}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  }
}
