import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { RefusalReason } from "../../../core/cloud/cloud-port.ts";
import type { ServedConnection, TransportWorld } from "../../../core/cloud/transport.conformance.ts";

/** HTTP status codes, with their refusal reason and `Retry-After`, if any. */
const REFUSALS: readonly (readonly [path: string, reason: RefusalReason, retryAfterMs?: number])[] = [
  ["400", "other"],
  ["401", "not-authorised"],
  ["403", "not-authorised"],
  ["404", "unknown"],
  ["410", "unknown"],
  ["426", "version"],
  ["429", "too-busy"],
  ["429/7", "too-busy", 7_000],
  ["403/7", "not-authorised", 7_000],
  ["503/200", "too-busy", 200_000],
];

/** A real WebSocket server on loopback, with misbehaving addresses beside it. */
export async function loopbackWorld(options: { readonly compress?: boolean } = {}): Promise<TransportWorld> {
  const sockets = new Set<Socket>();
  const waiting: ((served: ServedConnection) => void)[] = [];
  const queue: ServedConnection[] = [];
  const http = createHttpServer();
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: options.compress === true ? { threshold: 0 } : false });
  http.on("connection", (socket) => sockets.add(socket));
  http.on("upgrade", (request, socket: Socket, head) => {
    const answer = /^\/answers\/(\d+)(?:\/(\d+))?$/.exec(request.url ?? "");
    if (answer !== null) {
      const [, status, afterS] = answer;
      socket.end(`HTTP/1.1 ${status} Answer\r\ncontent-length: 0\r\n${afterS === undefined ? "" : `retry-after: ${afterS}\r\n`}connection: close\r\n\r\n`);
      return;
    }
    wss.handleUpgrade(request, socket, head, (ws) => {
      const served = serve(ws, socket);
      const next = waiting.shift();
      if (next === undefined) queue.push(served);
      else next(served);
    });
  });
  const mute = createServer((socket) => sockets.add(socket));
  const port = await listen(http);
  const mutePort = await listen(mute);
  const deadPort = await closedPort();
  return {
    url: `ws://127.0.0.1:${port}/device`,
    deadUrl: `ws://127.0.0.1:${deadPort}/`,
    refusing: new Map(REFUSALS.map(([path, reason, retryAfterMs]) => [
      `ws://127.0.0.1:${port}/answers/${path}`,
      { kind: "refused", reason, code: `link.http-${Number(path.slice(0, 3))}` as const, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    ])),
    failing: new Map([302, 408, 500, 503].map((status) => [`ws://127.0.0.1:${port}/answers/${status}`, `link.http-${status}` as const])),
    badUrls: ["not an address", "http://127.0.0.1/", "ws://", "ws://127.0.0.1/#part"],
    muteUrl: `ws://127.0.0.1:${mutePort}/`,
    accepted: () => {
      const served = queue.shift();
      return served === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(served);
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([close(http), close(mute)]);
    },
  };
}

function serve(ws: WebSocket, socket: Socket): ServedConnection {
  const received: string[] = [];
  ws.on("message", (data: Buffer) => received.push(data.toString("utf8")));
  // Broken connections are what these tests are about.
  ws.on("error", () => {});
  return {
    received,
    send: (frame) => ws.send(frame, () => {}),
    close: () => ws.close(1001, "bye"),
    destroy: () => socket.destroy(),
    pause: () => socket.pause(),
  };
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

export function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await close(server);
  return port;
}
