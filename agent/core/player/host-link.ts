import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, foreignCode, ok, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import type { ChannelListener, LinkChannel } from "../../../player-host/contract/link-channel.ts";
import { HostMessageSchema, type AgentMessage, type HostMessage, type HostReply, type HostRequest, type PageContext, type StageScene, type WayOut } from "../../../player-host/contract/link-messages.ts";
import { validate } from "../../protocol/codec.ts";
import { UNTOLD_STAGE, type PlayerEvent, type PlayerLink, type PlayerStatus } from "./player-port.ts";

/** Most unanswered requests at a time. */
const REQUESTS_MAX = 64;
/** A connection that sends no hello in this time is closed. */
const HELLO_TIMEOUT_MS = 5_000;
/** Most events kept while the agent starts; more than a host has in flight. */
const EARLY_EVENTS_MAX = 1_000;

interface Waiting {
  readonly timer: Timer;
  settle(reply: Result<JsonObject>): void;
}

export interface HostLinkDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/**
 * The agent's end of the link to the player host. The newest host to say hello is the player; an older connection is closed.
 * Every new host receives scene and context.
 */
export class HostLink implements PlayerLink {
  readonly #deps: HostLinkDeps;
  readonly #statusChanged: Emitter<PlayerStatus>;
  readonly #events: Emitter<PlayerEvent>;
  readonly #waiting = new Map<string, Waiting>();
  /** Events that arrived before anything listened: the socket is open before the outbox is. `undefined` once something listens. */
  #early: PlayerEvent[] | undefined = [];
  #status: PlayerStatus;
  #scene: StageScene = { kind: "blank" };
  #context: PageContext = { device: {}, config: {} };
  #wayOut: WayOut = {};
  #host: LinkChannel | undefined;
  /** The host has said goodbye. */
  #isLeaving = false;
  #requests = 0;

  constructor(deps: HostLinkDeps) {
    this.#deps = deps;
    this.#status = { kind: "absent", how: "yet-to-come", sinceMs: deps.clock.monotonicMs(), why: "no player host has connected yet" };
    this.#statusChanged = Emitter.logged(deps.log, "the player host");
    this.#events = Emitter.logged(deps.log, "the player host");
  }

  /** Takes a new connection. Closes it if it sends no hello. */
  accept(channel: LinkChannel): ChannelListener {
    const impatience = this.#deps.timers.after("player.hello", HELLO_TIMEOUT_MS, () => channel.end("no hello arrived"));
    return {
      line: (line) => {
        const message = this.#decode(line);
        if (message === undefined) return;
        if (message.t === "host-hello") impatience.cancel();
        this.#handle(channel, message);
      },
      ended: (why) => {
        impatience.cancel();
        this.#gone(channel, why);
      },
    };
  }

  status(): PlayerStatus {
    return this.#status;
  }

  onStatus(listener: (status: PlayerStatus) => void): () => void {
    return this.#statusChanged.on(listener);
  }

  /** The first listener also gets what arrived before it. */
  onEvent(listener: (event: PlayerEvent) => void): () => void {
    const leave = this.#events.on(listener);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.#events.emit(event);
    return leave;
  }

  setScene(scene: StageScene): void {
    this.#scene = scene;
    this.#send({ t: "scene", scene });
  }

  setContext(context: PageContext): void {
    this.#context = context;
    this.#send({ t: "context", context });
  }

  /** Proxy settings for the page's own requests. A change makes the host restart its browser. */
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
    if (this.#waiting.size >= REQUESTS_MAX) return Promise.resolve(fail("player.busy", `${REQUESTS_MAX} requests are already waiting for the player host`));
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

  #decode(line: string): HostMessage | undefined {
    const checked = validate(HostMessageSchema, parseJson(line), "player host message", "player.malformed");
    if (checked.ok) return checked.value;
    this.#deps.log.warn({ ...checked.error }, "a message from the player host could not be used");
    return undefined;
  }

  #handle(channel: LinkChannel, message: HostMessage): void {
    if (message.t === "host-hello") return this.#adopt(channel, message);
    if (channel !== this.#host || this.#status.kind === "absent") return;
    if (message.t === "reply") return this.#settle(message.id, message.reply);
    if (message.t === "host-goodbye") {
      this.#isLeaving = true;
      return;
    }
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
    if (this.#early === undefined) return this.#events.emit(message);
    if (this.#early.push(message) <= EARLY_EVENTS_MAX) return;
    this.#early = [];
    // The host keeps what is not answered, and sends it again on its next connection.
    channel.end("too many messages before the agent was ready");
  }

  #adopt(channel: LinkChannel, hello: Extract<HostMessage, { t: "host-hello" }>): void {
    if (this.#host !== undefined && this.#host !== channel) {
      this.#deps.log.warn({ instance: hello.instance }, "another player host connected; the older connection is closed");
      const old = this.#host;
      this.#host = undefined;
      old.end("another player host took its place");
      this.#giveUpWaiting("another player host took its place");
    }
    this.#host = channel;
    this.#isLeaving = false;
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

  #gone(channel: LinkChannel, why: string): void {
    if (channel !== this.#host) return this.#deps.log.debug({ why }, "a connection that was not a player host's ended");
    this.#deps.log.info({ why }, "the player host's connection ended");
    this.#host = undefined;
    this.#giveUpWaiting("the player host went away");
    const sinceMs = this.#deps.clock.monotonicMs();
    this.#setStatus(
      this.#isLeaving
        ? { kind: "absent", how: "stopped", sinceMs, why: "the player host was stopped" }
        : { kind: "absent", how: "lost", sinceMs, why: "the player host's connection ended" },
    );
  }

  /** Only the host that received a request can answer it: fails all waiting requests with `player.gone`. */
  #giveUpWaiting(why: string): void {
    for (const waiting of [...this.#waiting.values()]) waiting.settle(fail("player.gone", `${why} before it answered`));
  }

  #settle(id: string, reply: HostReply): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return this.#deps.log.debug({ id }, "an answer from the player host came too late");
    waiting.settle(reply.ok ? ok(reply.result as JsonObject) : fail(foreignCode(reply.code), reply.message));
  }

  #send(message: AgentMessage): void {
    this.#host?.send(JSON.stringify(message));
  }

  #setStatus(status: PlayerStatus): void {
    this.#status = status;
    this.#statusChanged.emit(status);
  }
}
