import { createServer, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { close, listen } from "./loopback-world.ts";

export interface TestProxy {
  readonly address: string;
  /** What was asked for, with the password given. */
  readonly asked: readonly string[];
  readonly close: () => Promise<void>;
}

/** The status line with which a proxy answers. */
export type Decide = (request: IncomingMessage) => string;

/** A proxy that tunnels every name to one port on loopback. */
export async function tunnelTo(targetPort: number, decide: Decide = () => "200 OK"): Promise<TestProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
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
    sockets.add(target);
  });
  const port = await listen(server);
  return {
    address: `http://user:p%40ss@127.0.0.1:${port}`,
    asked,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await close(server);
    },
  };
}
