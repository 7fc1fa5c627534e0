import { createServer, type Server, type Socket } from "node:net";
import * as v from "valibot";
import type { Log } from "../../platform/ports/log.ts";
import type { Timer, Timers } from "../../platform/ports/clock.ts";
import { fail, messageOf, stackOf, type Result } from "../../platform/ports/result.ts";
import { UPDATER_LINE_BYTES_MAX, UpdaterRequestSchema, type UpdaterRequest } from "../../platform/ports/software.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { LineFramer } from "../../platform/runtime/line-framer.ts";
import type { Updater } from "./updater.ts";

export interface UpdaterServerDeps {
  readonly updater: Updater;
  readonly timers: Timers;
  readonly log: Log;
  /** Interval of looks at a trial. */
  readonly lookMs: number;
  /** Ends without a trial after this time without a request. */
  readonly idleMs: number;
}

/** File descriptor 3 is the socket that systemd listens on; a path is listened on here. */
export type Place = { readonly fd: number } | { readonly path: string };

const CONNECTIONS_MAX = 8;
/** The answer reaches the agent before the agent is restarted. */
const RESTART_AFTER_MS = 500;

/** Serves the updater's socket and looks at the trial, until nothing is left to do. */
export class UpdaterServer {
  readonly #deps: UpdaterServerDeps;
  #server: Server | undefined;
  #look: Timer | undefined;
  #idle: Timer | undefined;
  #open = 0;
  #finish: () => void = () => {};

  constructor(deps: UpdaterServerDeps) {
    this.#deps = deps;
  }

  async run(place: Place): Promise<void> {
    const { updater } = this.#deps;
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = CONNECTIONS_MAX;
    this.#server = server;
    // Before the first answer: what is on disk may be half of something.
    await updater.recover();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(place, resolve);
    });
    this.#watch();
    this.#waitIdle();
    await finished;
    this.#look?.cancel();
    this.#idle?.cancel();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #watch(): void {
    const { updater, timers, lookMs } = this.#deps;
    this.#look?.cancel();
    this.#look = timers.after("updater.look", lookMs, () => {
      updater.look().then(
        (isOnTrial) => {
          if (isOnTrial) this.#watch();
        },
        // Going back could not be finished; a new process does so from the start.
        (thrown: unknown) => this.#fail(thrown),
      );
    });
  }

  #fail(thrown: unknown): void {
    this.#deps.log.error({ error: stackOf(thrown) }, "the updater failed and starts again");
    process.exit(1);
  }

  #waitIdle(): void {
    const { updater, timers, idleMs } = this.#deps;
    this.#idle?.cancel();
    this.#idle = timers.after("updater.idle", idleMs, () => {
      updater.isBusy().then((isBusy) => (isBusy || this.#open > 0 ? this.#waitIdle() : this.#finish()), (thrown: unknown) => this.#fail(thrown));
    });
  }

  #accept(socket: Socket): void {
    this.#open += 1;
    const framer = new LineFramer(UPDATER_LINE_BYTES_MAX);
    let isAsked = false;
    socket.on("error", (error) => this.#deps.log.warn({ error: error.message }, "a connection failed"));
    socket.on("close", () => {
      this.#open -= 1;
    });
    socket.on("data", (chunk: Buffer) => {
      const lines = framer.push(chunk);
      const line = lines?.[0];
      if (lines === undefined || isAsked) return void socket.destroy();
      if (line === undefined) return;
      isAsked = true;
      void this.#answer(line).then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
    });
  }

  async #answer(line: string): Promise<Result<unknown>> {
    const parsed = v.safeParse(UpdaterRequestSchema, parseJson(line));
    if (!parsed.success) return fail("update.bad-request", `the request is not one of the updater's: ${parsed.issues[0].message}`);
    try {
      return await this.#do(parsed.output);
    } catch (thrown) {
      this.#deps.log.error({ error: stackOf(thrown) }, "a request failed");
      return fail("update.disk", messageOf(thrown));
    } finally {
      this.#waitIdle();
    }
  }

  async #do(request: UpdaterRequest): Promise<Result<unknown>> {
    const { updater, timers } = this.#deps;
    switch (request.method) {
      case "status":
        return { ok: true, value: await updater.status() };
      case "check":
        return updater.check(request.params);
      case "confirm":
        return updater.confirm(request.params.job);
      case "back":
        return updater.back(request.params.job, request.params.code, request.params.message);
      case "install": {
        const installed = await updater.install(request.params);
        if (installed.ok) {
          timers.after("updater.restart", RESTART_AFTER_MS, () => {
            updater.restart().then(() => this.#watch(), (thrown: unknown) => this.#fail(thrown));
          });
        }
        return installed;
      }
    }
  }
}
