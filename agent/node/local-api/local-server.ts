import type { Socket } from "node:net";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, type Issue, messageOf, type Result, stackOf } from "../../../platform/ports/result.ts";
import { parseJson } from "../../../platform/runtime/json.ts";
import { LineFramer } from "../../../platform/runtime/line-framer.ts";
import { redact } from "../../../platform/runtime/redact.ts";
import { validate } from "../../protocol/codec.ts";
import type { PlayerGroup } from "../player-group.ts";
import { serveUnixSocket } from "../unix-server.ts";
import { LOCAL_LINE_BYTES_MAX, LocalRequestSchema, type LocalResponse } from "./wire.ts";

/** One method. Expected failures are values; a throw is a bug and is answered with `local.internal`. */
export type LocalMethod = (params: Readonly<Record<string, unknown>>) => Promise<Result<unknown>>;
export type LocalMethods = Readonly<Record<string, LocalMethod>>;

const CLIENTS_MAX = 32;
/** Open requests per client; a client that sends more without reading is disconnected. */
const OPEN_REQUESTS_MAX = 64;

export interface LocalServerOptions {
  /** May pass through the folder, which also holds the player's socket, but not use this socket, which can do anything. */
  readonly playerGroup?: PlayerGroup | undefined;
  readonly onListening?: () => void;
}

/** Serves the local API until `signal` aborts. */
export class LocalServer {
  readonly #path: string;
  readonly #methods: LocalMethods;
  readonly #log: Log;

  readonly #options: LocalServerOptions;

  constructor(path: string, methods: LocalMethods, log: Log, options: LocalServerOptions = {}) {
    this.#path = path;
    this.#methods = methods;
    this.#log = log;
    this.#options = options;
  }

  run(signal: AbortSignal): Promise<void> {
    const { playerGroup, onListening } = this.#options;
    const options = { path: this.#path, connectionsMax: CLIENTS_MAX, accept: (socket: Socket) => this.#accept(socket) };
    const sharing = playerGroup === undefined ? {} : { sharing: { groupId: playerGroup.id, connects: false } };
    return serveUnixSocket({ ...options, ...sharing, ...(onListening && { onListening }) }, signal);
  }

  #accept(socket: Socket): void {
    let open = 0;
    const framer = new LineFramer(LOCAL_LINE_BYTES_MAX);
    socket.on("error", (error) => this.#log.debug({ error: error.message }, "a local client's connection failed"));
    socket.on("data", (chunk: Buffer) => {
      const lines = framer.push(chunk);
      if (lines === undefined) {
        socket.end(`${JSON.stringify({ id: 0, error: { code: "local.too-large", message: "the request is longer than 1 MiB" } })}\n`);
        return;
      }
      for (const line of lines) {
        if (open >= OPEN_REQUESTS_MAX) {
          socket.destroy();
          return;
        }
        open += 1;
        void this.#answer(line).then((text) => {
          if (!socket.writable) return;
          socket.write(text, () => {
            open -= 1;
          });
        });
      }
    });
  }

  async #answer(line: string): Promise<string> {
    return `${JSON.stringify(await this.#respond(line))}\n`;
  }

  async #respond(line: string): Promise<LocalResponse> {
    const request = validate(LocalRequestSchema, parseJson(line), "request", "local.malformed");
    if (!request.ok) return { id: 0, error: request.error };
    const { id, method, params } = request.value;
    const result = await this.#call(method, params);
    return result.ok ? { id, result: redact(result.value) ?? null } : { id, error: redact(result.error) as Issue };
  }

  async #call(method: string, params: Readonly<Record<string, unknown>>): Promise<Result<unknown>> {
    const run = Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
    if (run === undefined) return fail("local.unknown-method", `this agent has no method "${method}"`, `it has ${Object.keys(this.#methods).join(", ")}`);
    try {
      return await run(params);
    } catch (thrown) {
      this.#log.error({ method, error: stackOf(thrown) }, "a local method threw");
      return fail("local.internal", `"${method}" failed inside the agent: ${messageOf(thrown)}`, "the agent's log has the details");
    }
  }
}
