import { createServer, type Server, type Socket } from "node:net";
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { AgentMessage, HostMessage, HostRequest, StageScene } from "../../contract/link-messages.ts";
import { LineFramer } from "../../../platform/runtime/line-framer.ts";

const WAIT_MS = 30_000;

/** A minimal agent for a host: greets, stores page messages, sends requests. Keeps every message it receives. */
export class FakeAgent {
  readonly heard: HostMessage[] = [];
  scene: StageScene;
  /** Whether it answers page messages with `page-stored`. */
  stores = true;
  readonly #path: string;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #waiters = new Set<() => void>();
  #requests = 0;

  constructor(path: string, scene: StageScene) {
    this.#path = path;
    this.scene = scene;
  }

  async start(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    await rm(this.#path, { force: true });
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#path, () => resolve()));
  }

  /** As if the agent were killed: ends every connection and removes the socket. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    this.#server = undefined;
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }

  send(message: AgentMessage): void {
    for (const socket of this.#sockets) socket.write(`${JSON.stringify(message)}\n`);
  }

  setScene(scene: StageScene): void {
    this.scene = scene;
    this.send({ t: "scene", scene });
  }

  async request(request: HostRequest): Promise<Extract<HostMessage, { t: "reply" }>["reply"]> {
    const id = `q${(this.#requests += 1)}`;
    const from = this.heard.length;
    this.send({ t: "request", id, request });
    const reply = await this.hears("reply", from, (message) => message.id === id);
    return reply.reply;
  }

  /** The first matching message at or after index `from`. Fails with the received messages when none arrives. */
  async hears<T extends HostMessage["t"]>(
    t: T,
    from: number,
    fits: (message: Extract<HostMessage, { t: T }>) => boolean = () => true,
    waitMs = WAIT_MS,
  ): Promise<Extract<HostMessage, { t: T }>> {
    const find = (): Extract<HostMessage, { t: T }> | undefined =>
      this.heard.slice(from).find((message): message is Extract<HostMessage, { t: T }> => message.t === t && fits(message as Extract<HostMessage, { t: T }>));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`heard no ${t} that fits; last: ${JSON.stringify(lastOf(this.heard.slice(from), t)).slice(0, 4000)}`)), waitMs);
    });
    try {
      for (;;) {
        const found = find();
        if (found !== undefined) return found;
        await Promise.race([late, new Promise<void>((resolve) => this.#waiters.add(resolve))]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #serve(socket: Socket): void {
    const framer = new LineFramer(1024 * 1024);
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      for (const line of framer.push(chunk) ?? []) this.#take(socket, JSON.parse(line) as HostMessage);
    });
  }

  #take(socket: Socket, message: HostMessage): void {
    this.heard.push(message);
    if (message.t === "host-hello") {
      const context = { device: { id: "d1", platform: "test", agentVersion: "0.0.0", online: true, grants: [] }, config: {} };
      socket.write(`${JSON.stringify({ t: "agent-hello", version: 1, context, scene: this.scene })}\n`);
    }
    if (this.stores && (message.t === "page-event" || message.t === "page-play")) socket.write(`${JSON.stringify({ t: "page-stored", id: message.id })}\n`);
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }
}

/** The last messages of that kind, or of any kind when there are none. */
function lastOf(heard: readonly HostMessage[], t: HostMessage["t"]): readonly HostMessage[] {
  const same = heard.filter((message) => message.t === t);
  return (same.length > 0 ? same : heard).slice(-6);
}
