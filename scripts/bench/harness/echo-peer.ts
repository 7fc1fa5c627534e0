import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { Bench } from "./bench.ts";

/** A WebSocket on loopback to a process that echoes every frame. */
export class EchoPeer {
  readonly #socket: WebSocket;

  static async start(bench: Bench): Promise<EchoPeer> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
    bench.onEnd(() => server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const connected = new Promise<WebSocket>((resolve) =>
      server.once("connection", (socket, request) => {
        request.socket.setNoDelay(true);
        resolve(socket);
      }),
    );
    bench.program("echo", [`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`]);
    return new EchoPeer(await connected);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Resolves when the echo has arrived. */
  send(frame: string): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("message", () => resolve());
      this.#socket.send(frame);
    });
  }
}
