import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, messageOf, type Result } from "../../../platform/ports/result.ts";
import { parseJson } from "../../../platform/runtime/json.ts";
import { LineFramer } from "../../../platform/runtime/line-framer.ts";
import { validate } from "../../protocol/codec.ts";
import { LOCAL_LINE_BYTES_MAX, LocalRequestSchema, type LocalResponse } from "./wire.ts";

/** One method. Expected failures are values; what it throws is a bug and is answered `local.internal`. */
export type LocalMethod = (params: Readonly<Record<string, unknown>>) => Promise<Result<unknown>>;
export type LocalMethods = Readonly<Record<string, LocalMethod>>;

/** Clients at one time; a tool that leaks connections must not take the agent's file descriptors. */
const CLIENTS_MAX = 32;

/** Serves the local API until `signal` aborts. */
export class LocalServer {
  readonly #path: string;
  readonly #methods: LocalMethods;
  readonly #log: Log;
  readonly #clients = new Set<Socket>();

  constructor(path: string, methods: LocalMethods, log: Log) {
    this.#path = path;
    this.#methods = methods;
    this.#log = log;
  }

  async run(signal: AbortSignal): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    // Left behind by an agent that was killed; the data folder's lock says that no other one lives.
    await rm(this.#path, { force: true });
    const server = createServer((socket) => this.#accept(socket));
    await listen(server, this.#path);
    await chmod(this.#path, 0o600);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      const stop = (): void => {
        for (const client of this.#clients) client.destroy();
        server.close(() => resolve());
      };
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
  }

  #accept(socket: Socket): void {
    if (this.#clients.size >= CLIENTS_MAX) {
      socket.destroy();
      return;
    }
    this.#clients.add(socket);
    socket.setEncoding("utf8");
    const framer = new LineFramer(LOCAL_LINE_BYTES_MAX);
    socket.on("error", (error) => this.#log.debug({ error: error.message }, "a local client's connection failed"));
    socket.on("close", () => this.#clients.delete(socket));
    socket.on("data", (text: string) => {
      const lines = framer.push(text);
      if (lines === undefined) {
        socket.end(`${JSON.stringify({ id: 0, error: { code: "local.too-large", message: "the request is longer than 1 MiB" } })}\n`);
        return;
      }
      for (const line of lines) void this.#answer(line).then((response) => socket.writable && socket.write(`${JSON.stringify(response)}\n`));
    });
  }

  async #answer(line: string): Promise<LocalResponse> {
    const request = validate(LocalRequestSchema, parseJson(line), "request", "local.malformed");
    if (!request.ok) return { id: 0, error: request.error };
    const { id, method, params } = request.value;
    const result = await this.#call(method, params);
    return result.ok ? { id, result: result.value ?? null } : { id, error: result.error };
  }

  async #call(method: string, params: Readonly<Record<string, unknown>>): Promise<Result<unknown>> {
    const run = Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
    if (run === undefined) return fail("local.unknown-method", `this agent has no method "${method}"`, `it has ${Object.keys(this.#methods).join(", ")}`);
    try {
      return await run(params);
    } catch (thrown) {
      this.#log.error({ method, error: thrown instanceof Error ? thrown.stack : String(thrown) }, "a local method threw");
      return fail("local.internal", `"${method}" failed inside the agent: ${messageOf(thrown)}`, "the agent's log has the details");
    }
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
