import type { CloudMessage, CloudMessageOf, Limits } from "../../protocol/cloud-messages.ts";
import { decodeCloudMessage, encodeMessage } from "../../protocol/codec.ts";
import { isStream } from "../../protocol/records.ts";
import { unknownWordsOf } from "../../protocol/unknown-words.ts";
import type { DeviceMessage } from "../../protocol/device-messages.ts";
import { FRAME_BYTES_MAX, PROTOCOL_VERSION } from "../../protocol/limits.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { foreignCode, type Issue, messageOf, type Result, stackOf } from "../../../platform/ports/result.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import type { Backlog } from "../outbox/backlog.ts";
import type { Connection, SessionHandlers } from "./cloud-port.ts";
import type { DrainFactory, DrainSession, SessionDrain } from "./drain-port.ts";
import type { LinkCounters } from "./link-counters.ts";
import type { ServerClock } from "./server-clock.ts";
import { TokenBucket, type Rate } from "../../../platform/runtime/token-bucket.ts";
import type { UploadRequests } from "./upload-requests.ts";

/** Frames that may queue while an earlier one waits for the disk. More is a flood. */
const INBOX_FRAMES_MAX = 1_000;
const INBOX_CHARACTERS_MAX = 4 * 1024 * 1024;
/** Unusable frames a session tolerates: a burst of 30, then one every two seconds. */
const NONSENSE: Rate = { burst: 30, perSecond: 0.5 };
/** `error` answers to unusable frames: a burst of 5, then one every ten seconds. */
const ERRORS: Rate = { burst: 5, perSecond: 0.1 };

/** Events of one connection, reported to the link. */
export interface SessionEvents {
  challenged(): void;
  helloSent(): void;
  welcomed(welcome: CloudMessageOf<"welcome">): void;
  limited(limits: Limits): void;
  refused(error: Issue, retryAfterMs?: number): void;
  goaway(message: CloudMessageOf<"goaway">): void;
  lost(error: Issue): void;
}

export interface SessionDeps {
  readonly endpoint: string;
  readonly connection: Connection;
  readonly events: SessionEvents;
  readonly handlers: SessionHandlers;
  readonly backlog: Backlog;
  readonly drain: DrainFactory;
  readonly uploads: UploadRequests;
  readonly serverClock: ServerClock;
  readonly counters: LinkCounters;
  readonly clock: Clock;
  readonly log: Log;
  /** Builds the hello that answers the challenge's `nonce`. An Issue ends the attempt. */
  hello(nonce: string): Promise<Result<Extract<DeviceMessage, { t: "hello" }>>>;
}

type Stage = "challenge" | "welcome" | "open" | "over";

/**
 * One connection, from its first frame to its end. Frames are handled strictly in order of arrival, even when one
 * has to wait for the disk. No invalid frame and no exception of a handler escapes this class.
 */
export class Session {
  heardMs: number;
  sentMs: number;
  pongMs = Number.NEGATIVE_INFINITY;
  readonly #deps: SessionDeps;
  readonly #over = new AbortController();
  readonly #nonsense: TokenBucket;
  readonly #errors: TokenBucket;
  #stage: Stage = "challenge";
  #inbox: string[] = [];
  #inboxCharacters = 0;
  #pumping = false;
  #limits: Limits;
  #drain: SessionDrain | undefined;
  /** Monotonic time at which the last hello or ping was sent. */
  #askedMs = 0;
  /** The outbox log named in the hello; the welcome's sequence numbers refer to it. */
  #helloLog = "";
  #replayUpTo: DrainSession["replayUpTo"] | undefined;

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    this.heardMs = deps.clock.monotonicMs();
    this.sentMs = this.heardMs;
    this.#limits = this.#bounded({});
    this.#nonsense = new TokenBucket(deps.clock, NONSENSE);
    this.#errors = new TokenBucket(deps.clock, ERRORS);
  }

  frame(text: string): void {
    if (this.#stage === "over") return;
    this.#heard(text.length);
    this.#inbox.push(text);
    this.#inboxCharacters += text.length;
    if (this.#inbox.length > INBOX_FRAMES_MAX || this.#inboxCharacters > INBOX_CHARACTERS_MAX) {
      this.#deps.events.refused({ code: "link.flooded", message: "the server sends faster than the device can process" });
      return;
    }
    if (!this.#pumping) void this.#pump();
  }

  binary(): void {
    if (this.#stage === "over") return;
    this.#heard(0);
    this.#refuse({ code: "frame.not-text", message: "a message must be text; this one is binary" });
  }

  send(message: DeviceMessage): boolean {
    return (this.#stage === "open" || message.t === "error") && this.#sendFrame(encodeMessage(message));
  }

  ping(): void {
    this.#askedMs = this.#deps.clock.monotonicMs();
    this.#sendFrame('{"t":"ping"}');
  }

  /** Sends `bye` if given and closes the connection. Called by the link only. */
  end(why: Issue, bye?: Extract<DeviceMessage, { t: "bye" }>["reason"]): void {
    if (this.#stage === "over") return;
    if (bye !== undefined) this.#sendFrame(encodeMessage({ t: "bye", reason: bye }));
    this.#stage = "over";
    this.#inbox = [];
    this.#over.abort();
    this.#deps.uploads.endAll();
    this.#deps.connection.close(why.code);
  }

  #heard(characters: number): void {
    const { counters, clock } = this.#deps;
    this.heardMs = clock.monotonicMs();
    counters.framesReceived += 1;
    counters.bytesReceived += characters;
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      let text = this.#inbox.shift();
      while (text !== undefined && this.#isAlive()) {
        this.#inboxCharacters -= text.length;
        const wait = this.#take(text);
        // Awaiting `undefined` would cost every frame a turn of the event loop.
        if (wait !== undefined) await wait;
        text = this.#inbox.shift();
      }
    } catch (thrown) {
      // A storage failure or a bug behind a port ends this session only; the link and the agent go on.
      this.#deps.counters.handlerFaults += 1;
      this.#deps.log.error({ error: messageOf(thrown) }, "the session failed");
      this.#deps.events.lost({ code: "link.session-fault", message: messageOf(thrown) });
    } finally {
      this.#pumping = false;
    }
  }

  #isAlive(): boolean {
    return this.#stage !== "over";
  }

  #take(text: string): Promise<void> | undefined {
    const decoded = decodeCloudMessage(text);
    if (!decoded.ok) return this.#refuse(decoded.error, decoded.error.about);
    const message = decoded.value;
    for (const word of unknownWordsOf(message)) this.#deps.counters.unknownWords.add(word);
    switch (this.#stage) {
      case "challenge":
        return this.#takeBeforeHello(message);
      case "welcome":
        return this.#takeBeforeWelcome(message);
      case "open":
        return this.#takeOpen(message);
      case "over":
        return undefined;
    }
  }

  #takeBeforeHello(message: CloudMessage): Promise<void> | undefined {
    if (message.t === "challenge") return this.#answer(message);
    return this.#takeAnyStage(message);
  }

  #takeBeforeWelcome(message: CloudMessage): Promise<void> | undefined {
    if (message.t === "welcome") return this.#welcome(message);
    return this.#takeAnyStage(message);
  }

  /** Messages valid in every stage; all others are refused. */
  #takeAnyStage(message: CloudMessage): undefined {
    const { events, counters, log } = this.#deps;
    if (message.t === "refused") events.refused({ code: foreignCode(message.code), message: message.message }, message.retryAfterMs);
    else if (message.t === "goaway") events.goaway(message);
    else if (message.t === "error") {
      counters.errorsReceived += 1;
      log.warn({ code: message.code, about: message.about, error: message.message }, "the cloud could not use a message");
    } else this.#refuse({ code: "message.out-of-place", message: `"${message.t}" is not valid at this point` }, message.t);
    return undefined;
  }

  #takeOpen(message: CloudMessage): Promise<void> | undefined {
    const { handlers, uploads } = this.#deps;
    switch (message.t) {
      case "command":
        return this.#guard(() => handlers.command(message));
      case "cancel":
        return this.#guard(() => handlers.cancel(message));
      case "desired":
        return this.#guard(() => handlers.desired(message));
      case "reported-ack":
        return this.#guard(() => handlers.reportedAck(message.version));
      case "fetch":
        return this.#guard(() => handlers.fetch(message.wants));
      case "pairing":
        return this.#guard(() => handlers.pairing(message));
      case "owner":
        return this.#owner(message);
      case "stored":
        return this.#stored(message);
      case "upload-grant":
      case "upload-refused":
        if (!uploads.answer(message)) this.#deps.counters.refused.add("upload.unasked");
        return undefined;
      case "limits":
        return this.#limit({ ...this.#limits, ...message.limits });
      case "pong":
        this.pongMs = this.heardMs;
        if (message.serverMs !== undefined) this.#deps.serverClock.learn(message.serverMs, this.#askedMs);
        return undefined;
      default:
        return this.#takeAnyStage(message);
    }
  }

  async #answer(challenge: CloudMessageOf<"challenge">): Promise<void> {
    const { events, backlog, clock } = this.#deps;
    if (!challenge.versions.includes(PROTOCOL_VERSION)) {
      const spoken = challenge.versions.join(", ");
      events.refused({ code: "link.version", message: `the server speaks protocol versions ${spoken}; this device speaks ${PROTOCOL_VERSION}` });
      return;
    }
    events.challenged();
    const answer = await this.#deps.hello(challenge.nonce);
    if (!this.#isAlive()) return;
    if (!answer.ok) {
      events.lost(answer.error);
      return;
    }
    this.#replayUpTo = newestOf(backlog);
    this.#helloLog = answer.value.log;
    this.#askedMs = clock.monotonicMs();
    this.#stage = "welcome";
    if (this.#sendFrame(encodeMessage(answer.value))) events.helloSent();
    else events.lost({ code: "link.hello-unsent", message: "the connection did not accept the hello" });
  }

  async #welcome(welcome: CloudMessageOf<"welcome">): Promise<void> {
    const { handlers, events, backlog, serverClock, endpoint } = this.#deps;
    serverClock.learn(welcome.serverMs, this.#askedMs);
    const accepted = await handlers.acceptOwner(welcome.owner, welcome, endpoint);
    if (!this.#isAlive()) return;
    if (!accepted.ok) {
      events.refused(accepted.error);
      return;
    }
    if (backlog.log !== this.#helloLog) {
      // The outbox was damaged and restarted since the hello: these numbers would delete records the cloud never received.
      events.lost({ code: "link.log-changed", message: "the outbox was started afresh during the handshake" });
      return;
    }
    await backlog.stored(welcome.stored, true);
    if (!this.#isAlive()) return;
    this.#limits = this.#bounded(welcome.limits);
    this.#stage = "open";
    events.welcomed(welcome);
    if (!this.#isAlive()) return;
    this.#startDrain(welcome.session);
    this.#guard(() => handlers.welcomed(welcome));
  }

  #startDrain(session: string): void {
    const { drain, connection, backlog, log, events, counters } = this.#deps;
    this.#drain = drain({
      session,
      replayUpTo: this.#replayUpTo ?? newestOf(backlog),
      limits: this.#limits,
      sendFrame: (frame) => this.#stage === "open" && this.#sendFrame(frame),
      bufferedBytes: () => connection.bufferedBytes(),
    });
    this.#drain.run(this.#over.signal).then(
      () => {},
      (thrown: unknown) => {
        if (!this.#isAlive()) return;
        counters.handlerFaults += 1;
        log.error({ error: messageOf(thrown) }, "emptying the outbox failed");
        events.lost({ code: "link.drain-fault", message: messageOf(thrown) });
      },
    );
  }

  async #owner(message: CloudMessageOf<"owner">): Promise<void> {
    const { handlers, events, endpoint } = this.#deps;
    const accepted = await handlers.acceptOwner(message.owner, message, endpoint);
    if (!accepted.ok && this.#isAlive()) events.refused(accepted.error);
  }

  async #stored(message: CloudMessageOf<"stored">): Promise<void> {
    const { backlog, counters } = this.#deps;
    if (message.log !== backlog.log) {
      counters.refused.add("stored.other-log");
      return;
    }
    for (const { stream, seq, code, message: text } of message.rejected ?? []) if (isStream(stream)) await backlog.rejected(stream, seq, code, text);
    await backlog.stored(message.streams);
    this.#drain?.stored(message.streams);
  }

  #limit(limits: Limits): undefined {
    this.#limits = this.#bounded(limits);
    this.#deps.events.limited(limits);
    this.#drain?.limited(this.#limits);
    return undefined;
  }

  /** The cloud's limits, with frames no larger than the connection accepts. */
  #bounded(limits: Limits): Limits {
    const { frameBytesMax } = this.#deps.connection;
    return frameBytesMax < (limits.frameBytesMax ?? FRAME_BYTES_MAX) ? { ...limits, frameBytesMax } : limits;
  }

  /**
   * A handler that throws or rejects does not end the session. A returned promise is not awaited: a handler that hangs
   * must not hold up later frames.
   */
  #guard(call: () => unknown): undefined {
    const blame = (thrown: unknown): void => {
      this.#deps.counters.handlerFaults += 1;
      this.#deps.log.error({ error: stackOf(thrown) }, "a handler of the session failed");
    };
    try {
      const result = call();
      if (result instanceof Promise) result.then(() => {}, blame);
    } catch (thrown) {
      blame(thrown);
    }
    return undefined;
  }

  /** Counts an unusable frame and answers it at a limited rate. Ends the session when there are too many. */
  #refuse(error: Issue, about?: string): undefined {
    const { counters, events, log } = this.#deps;
    counters.refused.add(error.code);
    if (!this.#nonsense.take()) {
      events.refused({ code: "link.nonsense", message: `the server sends too many unusable frames, the last refused with ${error.code}` });
      return undefined;
    }
    if (!this.#errors.take()) return undefined;
    log.warn({ code: error.code, error: error.message }, "refused a frame from the cloud");
    const answer: DeviceMessage = { t: "error", code: error.code, message: error.message.slice(0, 1000), ...(about === undefined ? {} : { about }) };
    if (this.#sendFrame(encodeMessage(answer))) counters.errorsSent += 1;
    return undefined;
  }

  #sendFrame(frame: string): boolean {
    const { connection, counters, clock, log } = this.#deps;
    const bytesMax = Math.min(this.#limits.frameBytesMax ?? FRAME_BYTES_MAX, FRAME_BYTES_MAX);
    // A UTF-16 unit takes at most three bytes, so most frames need no exact count.
    const tooLarge = frame.length * 3 > bytesMax && (frame.length > bytesMax || utf8(frame).length > bytesMax);
    if (tooLarge) log.error({ characters: frame.length, bytesMax, start: frame.slice(0, 60) }, "a frame is over the size limit and was not sent");
    if (tooLarge || !connection.send(frame)) {
      counters.framesUnsent += 1;
      return false;
    }
    counters.framesSent += 1;
    counters.bytesSent += frame.length;
    this.sentMs = clock.monotonicMs();
    return true;
  }
}

function newestOf(backlog: Backlog): DrainSession["replayUpTo"] {
  const { outcome, alarm, play, event, metric } = backlog.ranges();
  return { outcome: outcome.newest, alarm: alarm.newest, play: play.newest, event: event.newest, metric: metric.newest };
}
