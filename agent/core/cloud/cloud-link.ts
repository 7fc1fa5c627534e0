import type { Limits } from "../../protocol/cloud-messages.ts";
import type { DeviceMessage } from "../../protocol/device-messages.ts";
import type { Timer } from "../../../platform/ports/clock.ts";
import { messageOf, type Issue, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import type { CloudLinkDeps } from "./cloud-link-deps.ts";
import type { CloudLink, Connection, LinkIssue, LinkStatus, TransportIssue } from "./cloud-port.ts";
import { buildHello } from "./hello.ts";
import { LinkCounters, type LinkCounts } from "./link-counters.ts";
import { initialLinkState, nextTickMs, stepLink, type LinkEffect, type LinkEvent, type LinkState } from "./link-state.ts";
import { pingFromStored, storedPing, type PingMemory } from "./ping-learning.ts";
import { SessionEpoch } from "./session-epoch.ts";
import { Session, type SessionEvents } from "./session.ts";
import { UploadRequests } from "./upload-requests.ts";

interface Live {
  readonly attempt: number;
  readonly abort: AbortController;
  /** Frames that arrived before `connect` settled. */
  readonly early: ((session: Session) => void)[];
  connection?: Connection;
  session?: Session;
}

const PING_KEY = "cloud.ping";
/** Longest timer; anything due later is checked again then. */
const TIMER_MAX_MS = 3_600_000;
/** Most frames kept while `connect` has not settled. */
const EARLY_FRAMES_MAX = 10;

/** The device's link to its cloud: carries out the effects of link-state.ts on connections and sessions. */
export class CloudLinkRunner implements CloudLink {
  readonly counters = new LinkCounters();
  readonly #deps: CloudLinkDeps;
  readonly #epoch: SessionEpoch;
  readonly #uploads: UploadRequests;
  readonly #changed: Emitter<LinkStatus>;
  readonly #queue: LinkEvent[] = [];
  #stepping = false;
  #state: LinkState;
  #status: LinkStatus;
  #live: Live | undefined;
  #timer: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #running = false;
  #byeSaid = false;
  /** The learned ping interval as stored on disk, as JSON. */
  #pingOnDisk = "";
  /** Code of the last logged end since the last session. */
  #lastEnd = "";

  constructor(deps: CloudLinkDeps) {
    this.#deps = deps;
    this.#epoch = new SessionEpoch(deps.documents, deps.clock, deps.bootId);
    this.#uploads = new UploadRequests(deps.timers, deps.random);
    this.#changed = Emitter.logged(deps.log, "the link's status");
    this.#state = initialLinkState(deps.endpoints, deps.clock.monotonicMs());
    this.#status = statusOf(this.#state);
  }

  status(): LinkStatus {
    return this.#status;
  }

  onStatus(listener: (status: LinkStatus) => void): () => void {
    return this.#changed.on(listener);
  }

  counts(): LinkCounts {
    return this.counters.snapshot();
  }

  /** Monotonic time of the last frame from the cloud in this session. */
  heardMs(): number | undefined {
    return this.#live?.session?.heardMs;
  }

  send(message: DeviceMessage): boolean {
    if (this.#status.kind !== "online") return false;
    const sent = this.#live?.session?.send(message) ?? false;
    if (sent && message.t === "bye") this.#byeSaid = true;
    return sent;
  }

  requestUpload(request: Parameters<CloudLink["requestUpload"]>[0]): ReturnType<CloudLink["requestUpload"]> {
    return this.#uploads.ask(request, (message) => this.send(message));
  }

  reconnect(reason: "moving" | "reconnecting"): void {
    this.#dispatch({ kind: "reconnect", reason });
  }

  /** Replaces the endpoints. A connection to one that is still listed is kept. */
  setEndpoints(urls: readonly string[]): void {
    this.#dispatch({ kind: "endpoints", urls });
  }

  /** The network may be back: brings forward an attempt that waits for its back-off. */
  nudge(): void {
    this.#dispatch({ kind: "nudge" });
  }

  /** Keeps the link up until `signal` aborts, then says `bye` and closes. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error("the link is running already");
    this.#running = true;
    try {
      const spreadMs = (await this.#epoch.hadSessionThisBoot()) ? 0 : this.#deps.firstConnectSpreadMs;
      if (signal.aborted) return;
      const ping = await this.#storedPing();
      if (signal.aborted) return;
      this.#dispatch({ kind: "start", spreadMs, ping });
      if (this.#state.book.length === 0) this.#deps.log.warn({ ...NOT_CONFIGURED }, "the link waits");
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      this.#dispatch({ kind: "stop" });
      this.#timer?.timer.cancel();
      this.#timer = undefined;
      this.#running = false;
    }
  }

  async #storedPing(): Promise<PingMemory> {
    const { documents, policy, log } = this.#deps;
    const stored = await documents.get(PING_KEY);
    if (!stored.ok) log.warn({ ...stored.error }, "the learned ping interval is lost and will be learned again");
    const ping = pingFromStored(stored.ok ? stored.value : undefined, policy.pingLearning);
    this.#pingOnDisk = JSON.stringify(storedPing(ping) ?? null);
    return ping;
  }

  /** Written only when it changes: once or twice on a bad line, then at most once a day. */
  #keepPing(): void {
    const { documents, log } = this.#deps;
    const kept = this.#state.ping === undefined ? undefined : storedPing(this.#state.ping);
    const text = JSON.stringify(kept ?? null);
    if (this.#state.ping === undefined || text === this.#pingOnDisk) return;
    this.#pingOnDisk = text;
    log.info({ ...(kept ?? { intervalMs: "default" }) }, "the learned ping interval changed");
    void documents.put({ [PING_KEY]: kept ?? null }).then((put) => {
      if (!put.ok) log.warn({ ...put.error }, "the learned ping interval could not be stored");
    });
  }

  /** Runs one step at a time; events caused by effects are queued. */
  #dispatch(event: LinkEvent): void {
    this.#queue.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
    this.#keepPing();
    this.#arm();
    this.#publish();
  }

  #step(event: LinkEvent): void {
    const { clock, policy, random, transport } = this.#deps;
    const { state, effects } = stepLink(this.#state, event, { nowMs: clock.monotonicMs(), policy, random, schemes: transport.schemes });
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: LinkEffect): void {
    switch (effect.kind) {
      case "connect":
        this.#connect(effect.attempt, effect.endpoint);
        break;
      case "ping":
        this.#live?.session?.ping();
        break;
      case "close":
        this.#close(effect);
        break;
    }
  }

  #close({ attempt, why, bye }: Extract<LinkEffect, { kind: "close" }>): void {
    const live = this.#live;
    if (live === undefined || live.attempt !== attempt) return;
    this.#live = undefined;
    this.counters.ends.add(why.code);
    this.#logEnd(why);
    live.abort.abort("closed");
    if (live.session === undefined) live.connection?.close(why.code);
    else live.session.end(why, this.#byeSaid ? undefined : bye);
  }

  /** Logs the first of identical failures at info and repeats at debug, since a device may be offline for weeks. */
  #logEnd({ code, message }: Issue): void {
    const level = code === this.#lastEnd ? "debug" : "info";
    this.#lastEnd = code;
    this.#deps.log[level]({ code, why: message }, "the link ended");
  }

  #connect(attempt: number, endpoint: string): void {
    const live: Live = { attempt, abort: new AbortController(), early: [] };
    this.#live = live;
    this.#byeSaid = false;
    this.counters.attempts += 1;
    this.#deps.log.debug({ endpoint, attempt }, "connecting");
    const came = (take: (session: Session) => void): void => {
      if (this.#live !== live) return;
      if (live.session !== undefined) take(live.session);
      else if (live.early.length < EARLY_FRAMES_MAX) live.early.push(take);
    };
    const frame = (text: string): void => came((session) => session.frame(text));
    const binary = (): void => came((session) => session.binary());
    const closed = (why: TransportIssue): void => this.#ended(live, why);
    this.#deps.transport.connect(endpoint, { frame, binary, closed }, live.abort.signal).then(
      (result) => this.#connected(live, endpoint, result),
      (thrown: unknown) => {
        this.#deps.log.error({ error: messageOf(thrown) }, "the transport threw: a bug");
        this.#dispatch({ kind: "lost", attempt, error: { code: "link.network", message: messageOf(thrown) } });
      },
    );
  }

  #connected(live: Live, endpoint: string, result: Result<Connection, TransportIssue>): void {
    if (!result.ok) {
      this.#ended(live, result.error);
      return;
    }
    if (this.#live !== live) {
      // It opened after the attempt was given up. There must never be two connections.
      result.value.close("link.superseded");
      return;
    }
    live.connection = result.value;
    live.session = this.#openSession(live, endpoint, result.value);
    this.#dispatch({ kind: "opened", attempt: live.attempt });
    for (const take of live.early.splice(0)) take(live.session);
  }

  #ended({ attempt, session }: Live, why: TransportIssue): void {
    if (why.kind === "refused") {
      const { kind, reason: refusal, retryAfterMs, endpoint, ...issue } = why;
      this.#dispatch({
        kind, attempt,
        error: { ...issue, refusal },
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        ...(endpoint === undefined ? {} : { endpoint }),
      });
      return;
    }
    const { kind: _, ...error } = why;
    const gap = session === undefined ? {} : { gapMs: this.#deps.clock.monotonicMs() - Math.max(session.heardMs, session.sentMs) };
    this.#dispatch({ kind: "lost", attempt, error, ...gap });
  }

  #openSession(live: Live, endpoint: string, connection: Connection): Session {
    const { handlers, backlog, drain, serverClock, clock, log } = this.#deps;
    return new Session({
      endpoint, connection, handlers, backlog, drain, serverClock, clock, log,
      uploads: this.#uploads,
      counters: this.counters,
      events: this.#sessionEvents(live.attempt),
      hello: (nonce) => buildHello(this.#deps, this.#epoch, endpoint, nonce),
    });
  }

  #sessionEvents(attempt: number): SessionEvents {
    const pingOf = ({ pingIntervalMs }: Limits): { readonly pingIntervalMs?: number } => (pingIntervalMs === undefined ? {} : { pingIntervalMs });
    return {
      challenged: () => this.#dispatch({ kind: "challenged", attempt }),
      helloSent: () => this.#dispatch({ kind: "hello-sent", attempt }),
      welcomed: (welcome) => {
        this.counters.sessions += 1;
        this.#lastEnd = "";
        this.#dispatch({ kind: "welcomed", attempt, session: welcome.session, ...pingOf(welcome.limits) });
      },
      limited: ({ pingIntervalMs }) => {
        if (pingIntervalMs !== undefined) this.#dispatch({ kind: "limited", attempt, pingIntervalMs });
      },
      refused: (error, retryAfterMs) => this.#dispatch({ kind: "refused", attempt, error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }),
      goaway: ({ t: _, ...said }) => this.#dispatch({ kind: "goaway", attempt, ...said }),
      lost: (error) => this.#dispatch({ kind: "lost", attempt, error }),
    };
  }

  /** Arms one timer for whatever is due next. If it fires early, the tick does nothing. */
  #arm(): void {
    const { clock, timers, policy } = this.#deps;
    const nowMs = clock.monotonicMs();
    const session = this.#live?.session;
    const dueMs = nextTickMs(this.#state, session?.heardMs ?? nowMs, session?.sentMs ?? nowMs, policy);
    if (this.#timer !== undefined) {
      if (this.#timer.dueMs <= dueMs && this.#timer.dueMs > nowMs) return;
      this.#timer.timer.cancel();
      this.#timer = undefined;
    }
    if (this.#state.phase.kind === "stopped") return;
    // A link without an endpoint has nothing to wait for; it ticks all the same, as a sign of life.
    const delayMs = Math.min(TIMER_MAX_MS, Math.max(0, dueMs - nowMs));
    const timer = timers.after("link.tick", delayMs, () => {
      this.#timer = undefined;
      const { heardMs = clock.monotonicMs(), sentMs = clock.monotonicMs(), pongMs = Number.NEGATIVE_INFINITY } = this.#live?.session ?? {};
      this.#dispatch({ kind: "tick", heardMs, sentMs, pongMs });
    });
    this.#timer = { timer, dueMs: nowMs + delayMs };
  }

  #publish(): void {
    const status = statusOf(this.#state);
    if (sameStatus(status, this.#status)) return;
    this.#status = status;
    if (status.kind === "online") this.#deps.log.info({ endpoint: status.endpoint, session: status.session }, "online");
    this.#changed.emit(status);
  }
}

const NOT_CONFIGURED: LinkIssue = { code: "link.not-configured", message: "no cloud is configured", hint: "name its addresses in cloud.endpoints, or in a provisioning file" };

export function statusOf(state: LinkState): LinkStatus {
  const { phase, offlineSinceMs } = state;
  const lastError = state.book.length === 0 ? NOT_CONFIGURED : state.lastError;
  const error = lastError === undefined ? {} : { lastError };
  switch (phase.kind) {
    case "stopped":
      return { kind: "offline", sinceMs: offlineSinceMs, ...error };
    case "waiting":
      return { kind: "offline", sinceMs: offlineSinceMs, ...error, ...(Number.isFinite(phase.untilMs) ? { retryAtMs: phase.untilMs } : {}) };
    case "connecting":
    case "handshaking":
      return { kind: "connecting", endpoint: phase.endpoint, sinceMs: phase.sinceMs, ...error };
    case "online":
      return { kind: "online", endpoint: phase.endpoint, session: phase.session, sinceMs: phase.sinceMs };
  }
}

function sameStatus(a: LinkStatus, b: LinkStatus): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
