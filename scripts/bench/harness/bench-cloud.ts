import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { Cloud } from "../../dev-cloud/sessions/cloud.ts";
import { isFinal, type CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import type { Connection } from "../../dev-cloud/sessions/connection.ts";
import { memoryCloud } from "./memory-cloud.ts";

const COMMAND_FRAME = '{"t":"command"';
const OUTCOME_FRAME = '{"t":"records","stream":"outcome"';

/** One command there and back. */
export interface RoundTrip {
  readonly row: CommandRow;
  /** From handing the signed command to the socket until the frame with its outcome arrived, without the cloud's own work. */
  readonly tookMs: number;
}

/**
 * A cloud in this process: the development cloud's sessions on a store in memory, over real WebSockets on loopback. Claims
 * every device, signs commands, and uses no disk.
 */
export class BenchCloud {
  readonly cloud: Cloud;
  /** WebSocket address for devices. */
  readonly address: string;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #waiting = new Map<string, (trip: RoundTrip) => void>();
  #lastSentMs = 0;
  #lastOutcomeMs = 0;

  static async start(): Promise<BenchCloud> {
    const http = createServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
    return new BenchCloud(http, host, await memoryCloud(systemClock, new SystemTimers(), host));
  }

  private constructor(http: Server, host: string, cloud: Cloud) {
    this.address = `ws://${host}/device/v1`;
    this.#http = http;
    this.#sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
    this.cloud = cloud;
    this.cloud.events.on((event) => {
      if (event.t === "command" && isFinal(event.command.state)) this.#settle(event.command);
    });
    this.#sockets.on("connection", (socket, request) => this.#accept(socket, request.socket));
  }

  /** Signs and sends a command, and resolves when its outcome record is stored. One call at a time. */
  async command(device: string, name: string, params: JsonObject): Promise<RoundTrip> {
    const row = this.cloud.context.store.device(device);
    if (row === undefined) throw new Error(`no device ${device}`);
    const made = this.cloud.commands.create(row, { name, params });
    if (!made.ok) throw new Error(made.error.message);
    return new Promise((resolve) => this.#waiting.set(made.value.id, resolve));
  }

  /** Wants a weekly schedule of a device, and nothing else. */
  setSchedule(device: string, schedule: JsonObject): void {
    const row = this.cloud.context.store.device(device);
    if (row === undefined) throw new Error(`no device ${device}`);
    const written = this.cloud.desired.put(row, { schedule });
    if (!written.ok) throw new Error(written.error.message);
  }

  async stop(): Promise<void> {
    this.cloud.stop();
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => this.#http.close(() => resolve()));
  }

  #settle(row: CommandRow): void {
    this.#waiting.get(row.id)?.({ row, tookMs: this.#lastOutcomeMs - this.#lastSentMs });
    this.#waiting.delete(row.id);
  }

  #accept(client: WebSocket, tcp: Socket): void {
    tcp.setNoDelay(true);
    const connection = connectionOver(client);
    const send = (text: string): void => {
      if (text.startsWith(COMMAND_FRAME)) this.#lastSentMs = performance.now();
      connection.send(text);
    };
    const session = this.cloud.open({ ...connection, send });
    client.on("message", (data: Buffer) => {
      const text = data.toString("utf8");
      if (text.startsWith(OUTCOME_FRAME)) this.#lastOutcomeMs = performance.now();
      session.onFrame(text, data.length);
    });
    client.on("error", () => {
      // The device was killed; "close" follows and ends the session.
    });
    client.on("close", () => session.onClosed("closed"));
  }
}

function connectionOver(client: WebSocket): Connection {
  return {
    remote: "loopback",
    send: (text) => client.send(text, () => {}),
    sendBinary: (bytes) => client.send(bytes, () => {}),
    close: (code, reason) => client.close(code, reason),
    cut: () => client.terminate(),
    pause: () => client.pause(),
    resume: () => client.resume(),
    bufferedBytes: () => client.bufferedAmount,
  };
}
