import type { Socket } from "node:net";
import { HostMessageSchema, LINK_LINE_BYTES_MAX, type AgentMessage, type HostMessage, type HostReply, type HostRequest, type PageContext, type StageScene, type WayOut } from "../../player-host/contract/link-messages.ts";
import type { Clock, Timer, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import { fail, ok, type Result } from "../../platform/ports/result.ts";
import { Emitter } from "../../platform/runtime/emitter.ts";
import { parseJson, type JsonObject } from "../../platform/runtime/json.ts";
import { LineFramer } from "../../platform/runtime/line-framer.ts";
import { validate } from "../protocol/codec.ts";
import { UNTOLD_STAGE, type PlayerEvent, type PlayerLink, type PlayerStatus } from "../core/player/player-port.ts";
import type { PlayerGroup } from "./player-group.ts";
import { SocketPace } from "./socket-pace.ts";
import { serveUnixSocket } from "./unix-server.ts";

/** A host that reads nothing for so long that this much waits for it is cut off; it connects again. */
const WRITE_BUFFER_BYTES_MAX = 4 * 1024 * 1024;
/** Requests without an answer at one time. */
const REQUESTS_MAX = 64;
/** A peer that connects and says nothing is not a host. */
const HELLO_TIMEOUT_MS = 5_000;
/** A host in its worst second says some dozen lines. What comes faster waits in the socket, where it holds up its sender alone. */
const LINES_PER_SECOND_MAX = 500;
/** Connections at one time; there is one host, and for a moment the one after it. */
const CONNECTIONS_MAX = 8;

interface Waiting {
  readonly timer: Timer;
  settle(reply: Result<JsonObject>): void;
}

export interface PlayerSocketDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Group of the player host, where it runs as another user. */
  readonly group?: PlayerGroup | undefined;
  readonly onListening?: () => void;
}

/**
 * `PlayerLink` over a Unix socket: the agent listens, the host connects. The newest host that says hello
 * is the player; an older connection is closed. Scene and context are given to each host that comes.
 */
export class PlayerSocket implements PlayerLink {
  readonly #path: string;
  readonly #deps: PlayerSocketDeps;
  readonly #statusChanged: Emitter<PlayerStatus>;
  readonly #events: Emitter<PlayerEvent>;
  readonly #waiting = new Map<string, Waiting>();
  #status: PlayerStatus;
  #scene: StageScene = { kind: "blank" };
  #context: PageContext = { device: {}, config: {} };
  #wayOut: WayOut = {};
  #host: Socket | undefined;
  #requests = 0;

  constructor(path: string, deps: PlayerSocketDeps) {
    this.#path = path;
    this.#deps = deps;
    this.#status = { kind: "absent", sinceMs: deps.clock.monotonicMs(), why: "no player host has connected yet" };
    const broken = (thrown: unknown): void => deps.log.error({ error: String(thrown) }, "a player listener failed");
    this.#statusChanged = new Emitter(broken);
    this.#events = new Emitter(broken);
  }

  /** Listens until `signal` aborts. Rejects when the socket cannot be made. */
  run(signal: AbortSignal): Promise<void> {
    const { group, onListening } = this.#deps;
    const options = { path: this.#path, connectionsMax: CONNECTIONS_MAX, accept: (socket: Socket) => this.#accept(socket) };
    const sharing = group === undefined ? {} : { sharing: { groupId: group.id, connects: true } };
    return serveUnixSocket({ ...options, ...sharing, ...(onListening && { onListening }) }, signal);
  }

  status(): PlayerStatus {
    return this.#status;
  }

  onStatus(listener: (status: PlayerStatus) => void): () => void {
    return this.#statusChanged.on(listener);
  }

  onEvent(listener: (event: PlayerEvent) => void): () => void {
    return this.#events.on(listener);
  }

  setScene(scene: StageScene): void {
    this.#scene = scene;
    this.#send({ t: "scene", scene });
  }

  setContext(context: PageContext): void {
    this.#context = context;
    this.#send({ t: "context", context });
  }

  /** For the page's own requests; a change makes the host start its browser anew. */
  setWayOut(wayOut: WayOut): void {
    this.#wayOut = wayOut;
    this.#send({ t: "way-out", wayOut });
  }

  pageStored(id: string, code?: string): void {
    this.#send(code === undefined ? { t: "page-stored", id } : { t: "page-stored", id, code });
  }

  sendGpio(line: string, level: 0 | 1): void {
    this.#send({ t: "gpio", line, level });
  }

  request(request: HostRequest, timeoutMs: number): Promise<Result<JsonObject>> {
    if (this.#host === undefined || this.#status.kind === "absent") {
      return Promise.resolve(fail("player.absent", "no player host is connected", "is the player host running? `vitrine doctor` says more"));
    }
    if (this.#waiting.size >= REQUESTS_MAX) return Promise.resolve(fail("player.busy", `${REQUESTS_MAX} requests wait for the player host`));
    const id = `r${(this.#requests += 1)}`;
    return new Promise((resolve) => {
      const settle = (reply: Result<JsonObject>): void => {
        this.#waiting.get(id)?.timer.cancel();
        this.#waiting.delete(id);
        resolve(reply);
      };
      const timer = this.#deps.timers.after(`player.request.${request.do}`, timeoutMs, () => {
        settle(fail("player.timeout", `the player host did not answer "${request.do}" within ${timeoutMs} ms`));
      });
      this.#waiting.set(id, { timer, settle });
      this.#send({ t: "request", id, request });
    });
  }

  #accept(socket: Socket): void {
    const { log, timers } = this.#deps;
    const framer = new LineFramer(LINK_LINE_BYTES_MAX);
    const impatience = timers.after("player.hello", HELLO_TIMEOUT_MS, () => socket.destroy());
    socket.on("error", (error) => log.debug({ error: error.message }, "player connection failed"));
    socket.on("close", () => {
      impatience.cancel();
      pace.stop();
      this.#gone(socket);
    });
    const pace = new SocketPace(socket, timers, LINES_PER_SECOND_MAX);
    socket.on("data", (chunk: Buffer) => {
      const lines = framer.push(chunk);
      pace.note(lines?.length ?? 0);
      if (lines === undefined) {
        log.warn({}, "the player host sent a line that is too long; the connection is closed");
        socket.destroy();
        return;
      }
      for (const line of lines) {
        const message = this.#decode(line);
        if (message === undefined) continue;
        if (message.t === "host-hello") impatience.cancel();
        this.#handle(socket, message);
      }
    });
  }

  #decode(line: string): HostMessage | undefined {
    const checked = validate(HostMessageSchema, parseJson(line), "player host message", "player.malformed");
    if (checked.ok) return checked.value;
    this.#deps.log.warn({ ...checked.error }, "a message of the player host could not be used");
    return undefined;
  }

  #handle(socket: Socket, message: HostMessage): void {
    if (message.t === "host-hello") return this.#adopt(socket, message);
    if (socket !== this.#host || this.#status.kind === "absent") return;
    if (message.t === "reply") return this.#settle(message.id, message.reply);
    if (message.t === "stage") {
      const heardMs = this.#deps.clock.monotonicMs();
      this.#setStatus({ ...this.#status, stage: message.stage, picture: message.picture, heardMs });
      return;
    }
    this.#status = { ...this.#status, heardMs: this.#deps.clock.monotonicMs() };
    if (message.t === "browser") return this.#setStatus({ ...this.#status, browser: message.browser });
    if (message.t === "log-trouble") {
      const { logTrouble: _before, ...status } = this.#status;
      return this.#setStatus({ ...status, ...(message.trouble !== undefined && { logTrouble: message.trouble.message }) });
    }
    this.#events.emit(message);
  }

  #adopt(socket: Socket, hello: Extract<HostMessage, { t: "host-hello" }>): void {
    if (this.#host !== undefined && this.#host !== socket) {
      this.#deps.log.warn({ instance: hello.instance }, "another player host connected; the older connection is closed");
      const old = this.#host;
      this.#host = undefined;
      old.destroy();
      this.#giveUpWaiting("another player host took its place");
    }
    this.#host = socket;
    this.#deps.log.info({ instance: hello.instance, pid: hello.pid, shell: hello.shell }, "player host connected");
    this.#setStatus({
      kind: "present",
      instance: hello.instance,
      pid: hello.pid,
      shell: hello.shell,
      stage: UNTOLD_STAGE,
      picture: { verdict: "unknown", confidence: 0, evidence: [] },
      ...(hello.browser === undefined ? {} : { browser: hello.browser }),
      heardMs: this.#deps.clock.monotonicMs(),
    });
    this.#send({ t: "agent-hello", version: 1, context: this.#context, scene: this.#scene, wayOut: this.#wayOut });
  }

  #gone(socket: Socket): void {
    if (socket !== this.#host) return;
    this.#host = undefined;
    this.#giveUpWaiting("the player host went away");
    this.#setStatus({ kind: "absent", sinceMs: this.#deps.clock.monotonicMs(), why: "the player host's connection ended" });
  }

  /** A request is answered by the host it was made to, or by nobody. */
  #giveUpWaiting(why: string): void {
    for (const waiting of [...this.#waiting.values()]) waiting.settle(fail("player.gone", `${why} before it answered`));
  }

  #settle(id: string, reply: HostReply): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return this.#deps.log.debug({ id }, "an answer of the player host came too late");
    waiting.settle(reply.ok ? ok(reply.result as JsonObject) : fail(reply.code, reply.message));
  }

  #send(message: AgentMessage): boolean {
    const host = this.#host;
    if (host === undefined) return false;
    if (host.writableLength > WRITE_BUFFER_BYTES_MAX) {
      this.#deps.log.warn({}, "the player host does not read; its connection is closed");
      host.destroy();
      return false;
    }
    host.write(`${JSON.stringify(message)}\n`);
    return true;
  }

  #setStatus(status: PlayerStatus): void {
    this.#status = status;
    this.#statusChanged.emit(status);
  }
}
