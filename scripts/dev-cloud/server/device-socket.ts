import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { Log } from "../../../platform/ports/log.ts";
import { FRAME_BYTES_MAX } from "../../../agent/protocol/limits.ts";
import type { Cloud } from "../sessions/cloud.ts";
import type { Connection } from "../sessions/connection.ts";

/** Above the protocol's limit, so that an oversized frame is answered with an error code instead of a dropped connection. */
const READ_BYTES_MAX = FRAME_BYTES_MAX * 4;
const CONNECTIONS_MAX = 2_000;
/** Time for devices to answer our close before the connection is cut. */
const CLOSE_GRACE_MS = 400;

/** Accepts WebSockets on `/device/v1` and opens a cloud session for each. */
export class DeviceSocket {
  readonly #cloud: Cloud;
  readonly #log: Log;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: READ_BYTES_MAX,
    // Small windows and nothing below 512 bytes, as devices offer: see docs/decisions/2026-11-22-websocket-compression.md.
    perMessageDeflate: { threshold: 512, serverMaxWindowBits: 12, clientMaxWindowBits: 12, zlibDeflateOptions: { level: 6, memLevel: 7 } },
    clientTracking: true,
  });

  constructor(cloud: Cloud, log: Log) {
    this.#cloud = cloud;
    this.#log = log;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#server.clients.size >= CONNECTIONS_MAX) {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nretry-after: 30\r\nconnection: close\r\n\r\n");
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => this.#accept(client, request));
  }

  /** Closes all connections. Last frames, such as a goaway, get a moment to leave: compressed frames are sent asynchronously. */
  async close(): Promise<void> {
    this.#server.close();
    const closing = [...this.#server.clients].map((client) => new Promise((resolve) => client.once("close", resolve)));
    await Promise.race([Promise.all(closing), sleep(CLOSE_GRACE_MS, undefined, { ref: false })]);
    for (const client of this.#server.clients) client.terminate();
  }

  #accept(client: WebSocket, request: IncomingMessage): void {
    const remote = `${request.socket.remoteAddress ?? "?"}:${request.socket.remotePort ?? 0}`;
    const session = this.#cloud.open(socketConnection(client, remote));
    client.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) session.onBinary(data.length);
      else session.onFrame(data.toString("utf8"), data.length);
    });
    client.on("error", (error: Error) => {
      // Resets and protocol errors of the peer; "close" follows and ends the session.
      this.#log.debug({ remote, error: error.message }, "device socket error");
    });
    client.on("close", (code: number) => session.onClosed(code === 1009 ? "frame-too-large" : "closed"));
  }
}

function socketConnection(client: WebSocket, remote: string): Connection {
  return {
    remote,
    send: (text) => {
      if (client.readyState === client.OPEN) client.send(text);
    },
    sendBinary: (bytes) => {
      if (client.readyState === client.OPEN) client.send(bytes);
    },
    close: (code, reason) => client.close(code, reason),
    cut: () => client.terminate(),
    pause: () => {
      if (client.readyState === client.OPEN) client.pause();
    },
    resume: () => {
      if (client.readyState === client.OPEN) client.resume();
    },
    bufferedBytes: () => client.bufferedAmount,
  };
}
