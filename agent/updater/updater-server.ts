import { createServer, type Server, type Socket } from "node:net";
import * as v from "valibot";
import type { Log } from "../../platform/ports/log.ts";
import type { Timer, Timers } from "../../platform/ports/clock.ts";
import { fail, stackOf, type Result } from "../../platform/ports/result.ts";
import { UPDATER_LINE_BYTES_MAX, UpdaterRequestSchema } from "../../platform/ports/software.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { LineFramer } from "../../platform/runtime/line-framer.ts";
import { UpdaterDesk } from "./updater-desk.ts";
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

/** Serves the updater's socket and looks at the trial, until nothing is left to do. */
export class UpdaterServer {
  readonly #deps: UpdaterServerDeps;
  readonly #desk: UpdaterDesk;
  #server: Server | undefined;
  #idle: Timer | undefined;
  #open = 0;
  #finish: () => void = () => {};

  constructor(deps: UpdaterServerDeps) {
    this.#deps = deps;
    this.#desk = new UpdaterDesk({ ...deps, onFailure: () => process.exit(1) });
  }

  async run(place: Place): Promise<void> {
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = CONNECTIONS_MAX;
    this.#server = server;
    await this.#desk.start();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(place, resolve);
    });
    this.#waitIdle();
    await finished;
    this.#desk.close();
    this.#idle?.cancel();
    await new Promise((resolve) => this.#server?.close(resolve));
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
      return await this.#desk.answer(parsed.output);
    } finally {
      this.#waitIdle();
    }
  }
}
