import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { close, listen } from "./loopback-world.ts";
import type { TestCertificate } from "./test-certificates.ts";

export interface TestProxy {
  readonly address: string;
  /** Requested targets, with the given password. */
  readonly asked: readonly string[];
  /** Number of open connections. */
  readonly connections: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Returns the status line of the proxy's answer. */
export type Decide = (request: IncomingMessage) => string;

/** A proxy that tunnels every name to one port on loopback; with a certificate it speaks TLS itself. */
export async function tunnelTo(targetPort: number, decide: Decide = () => "200 OK", certificate?: TestCertificate): Promise<TestProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = certificate === undefined ? createServer() : createTlsServer(certificate);
  server.on("connect", (request, socket: Socket) => {
    sockets.add(socket);
    asked.push(`${request.url ?? ""} ${request.headers["proxy-authorization"] ?? ""}`.trim());
    const answer = decide(request);
    socket.on("error", () => {});
    if (!answer.startsWith("200")) {
      socket.end(`HTTP/1.1 ${answer}\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const target = connect(targetPort, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      target.pipe(socket);
      socket.pipe(target);
    });
    target.on("error", () => socket.destroy());
    // Whoever closed the tunnel is gone, whatever the target still sends.
    socket.once("end", () => socket.destroy());
    sockets.add(target);
  });
  const port = await listen(server);
  return {
    address: `${certificate === undefined ? "http" : "https"}://user:p%40ss@127.0.0.1:${port}`,
    asked,
    connections: () => new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await close(server);
    },
  };
}
