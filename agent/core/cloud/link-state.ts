import type { DeviceMessageOf } from "../../protocol/device-messages.ts";
import { plainIssue } from "../../protocol/plain-address.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { retryDelayMs } from "../../../platform/runtime/retry-schedule.ts";
import { parseUrl } from "../../../platform/runtime/parse-url.ts";
import type { LinkIssue, Schemes } from "./cloud-port.ts";
import { bookOf, chooseEndpoint, noteFailure, noteRefusal, noteStable, noteTime, type EndpointBook } from "./endpoint-book.ts";
import type { LinkPolicy } from "./link-policy.ts";
import { freshPing, lookAgain, lookAgainMs, noteFailedAttempt, noteSessionEnd, pingIntervalOf, type PingMemory, type SessionEnd } from "./ping-learning.ts";
import type { Code } from "../../../platform/ports/codes.ts";

/**
 * The link as a pure step: state and event in, state and effects out. At most one attempt is alive at
 * any time; each has a number, and whatever comes from an attempt that is not the present one is ignored.
 * All times are monotonic milliseconds.
 */
export interface LinkState {
  readonly phase: LinkPhase;
  readonly book: EndpointBook;
  /** No attempt before this time, whichever endpoint: gap between endpoints, `retryAfterMs`, spread. */
  readonly notBeforeMs: number;
  /** Endpoint named by `goaway`, for the next attempt only. */
  readonly redirect?: string;
  /** Redirects followed since the last stable session. */
  readonly redirects: number;
  /** Times that `retryAfterMs` was waited since the last stable session. */
  readonly obeyed: number;
  /** Absent: nothing was learnt. */
  readonly ping?: PingMemory;
  /** Number of the latest attempt. */
  readonly attempt: number;
  /** Returns to the preferred endpoint that did not lead to a stable session there. */
  readonly returns: number;
  /** Since when there is no session. */
  readonly offlineSinceMs: number;
  readonly lastError?: LinkIssue;
}

export type WaitReason = "spread" | "retry" | "no-endpoint";

export type LinkPhase =
  | { readonly kind: "stopped" }
  /** `untilMs` is infinite when there is no endpoint. */
  | { readonly kind: "waiting"; readonly why: WaitReason; readonly untilMs: number }
  | { readonly kind: "connecting"; readonly endpoint: string; readonly sinceMs: number }
  /** `step`: what is waited for. `hello` is our own answer, which needs the disk. */
  | {
      readonly kind: "handshaking";
      readonly endpoint: string;
      readonly sinceMs: number;
      readonly step: "challenge" | "hello" | "welcome";
      readonly stepSinceMs: number;
    }
  | {
      readonly kind: "online";
      readonly endpoint: string;
      readonly session: string;
      readonly sinceMs: number;
      readonly stable: boolean;
      readonly pingIntervalMs: number;
      /** What cloud or configuration say; `pingIntervalMs` may be shorter. */
      readonly toldPingMs: number;
      /** When a longer ping interval is tried, or a trial of one has held. */
      readonly pingLookMs: number;
      readonly pingedMs: number;
      /** Time of the oldest ping that no pong followed. */
      readonly unansweredSinceMs?: number;
      /** When the preferred endpoint is tried again; absent on the preferred one and after a redirect. */
      readonly returnAtMs?: number;
    };

type ByeReason = DeviceMessageOf<"bye">["reason"];

export type LinkEvent =
  /** `spreadMs`: the first attempt is put off by a random part of this. */
  | { readonly kind: "start"; readonly spreadMs: number; readonly ping?: PingMemory }
  | { readonly kind: "stop" }
  | { readonly kind: "endpoints"; readonly urls: readonly string[] }
  /** End the session politely and connect anew. */
  | { readonly kind: "reconnect"; readonly reason: "moving" | "reconnecting" }
  /** Something suggests that an attempt would do better now, such as a network that came up. */
  | { readonly kind: "nudge" }
  /** Time went by. The facts are of the present connection, where there is one: last frame in, last frame out, last pong. */
  | { readonly kind: "tick"; readonly heardMs: number; readonly sentMs: number; readonly pongMs: number }
  | { readonly kind: "opened"; readonly attempt: number }
  | { readonly kind: "challenged"; readonly attempt: number }
  | { readonly kind: "hello-sent"; readonly attempt: number }
  | { readonly kind: "welcomed"; readonly attempt: number; readonly session: string; readonly pingIntervalMs?: number }
  | { readonly kind: "limited"; readonly attempt: number; readonly pingIntervalMs: number }
  /** The other side, or we ourselves, will not have this session: the slow schedule. `endpoint`: where it moved. */
  | { readonly kind: "refused"; readonly attempt: number; readonly error: LinkIssue; readonly retryAfterMs?: number; readonly endpoint?: string }
  | { readonly kind: "goaway"; readonly attempt: number; readonly reason: string; readonly retryAfterMs?: number; readonly endpoint?: string }
  /** The attempt failed or its connection ended. `gapMs`: how long no frame had gone either way. */
  | { readonly kind: "lost"; readonly attempt: number; readonly error: Issue; readonly gapMs?: number };

export type LinkEffect =
  | { readonly kind: "connect"; readonly attempt: number; readonly endpoint: string }
  /** Ends the attempt or connection, after a `bye` where one is named. */
  | { readonly kind: "close"; readonly attempt: number; readonly why: Issue; readonly bye?: ByeReason }
  | { readonly kind: "ping"; readonly attempt: number };

export interface LinkStep {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

/** What the step needs besides state and event. Randomness comes in, so that a simulation can replay it. */
export interface LinkContext {
  readonly nowMs: number;
  readonly policy: LinkPolicy;
  readonly random: Random;
  /** What the transport takes. */
  readonly schemes: Schemes;
}

export function initialLinkState(urls: readonly string[], nowMs: number): LinkState {
  return { phase: { kind: "stopped" }, book: bookOf(urls), notBeforeMs: nowMs, redirects: 0, obeyed: 0, attempt: 0, returns: 0, offlineSinceMs: nowMs };
}

export function stepLink(state: LinkState, event: LinkEvent, context: LinkContext): LinkStep {
  switch (event.kind) {
    case "start":
      return state.phase.kind === "stopped" ? start(event.ping === undefined ? state : { ...state, ping: event.ping }, event.spreadMs, context) : same(state);
    case "stop":
      return end(state, { ...offline(state, context), phase: { kind: "stopped" } }, issue("link.stopping", "the agent stops"), "stopping");
    case "endpoints":
      return changeEndpoints(state, event.urls, context);
    case "reconnect":
      return state.phase.kind === "stopped" || state.phase.kind === "waiting" ? same(state) : reconnect(state, event.reason, context);
    case "nudge":
      return nudge(state, context);
    case "tick":
      return tick(state, event, context);
    default:
      return event.attempt === state.attempt && isAttempting(state.phase) ? fromConnection(state, event, context) : same(state);
  }
}

/** When `tick` is due next, given what is known of the connection; infinite when nothing is timed. */
export function nextTickMs(state: LinkState, heardMs: number, sentMs: number, policy: LinkPolicy): number {
  const { phase } = state;
  switch (phase.kind) {
    case "stopped":
      return Number.POSITIVE_INFINITY;
    case "waiting":
      return phase.untilMs;
    case "connecting":
      return phase.sinceMs + policy.connectTimeoutMs;
    case "handshaking":
      return phase.stepSinceMs + policy.handshakeTimeoutMs;
    case "online":
      return Math.min(
        pingDueMs(phase, heardMs, sentMs),
        heardMs + intervals(phase, policy.readDeadlinePings),
        phase.stable ? Number.POSITIVE_INFINITY : phase.sinceMs + policy.stableAfterMs,
        phase.returnAtMs ?? Number.POSITIVE_INFINITY,
        phase.pingLookMs,
      );
  }
}

type Online = Extract<LinkPhase, { kind: "online" }>;
type Attempting = Exclude<LinkPhase, { kind: "stopped" | "waiting" }>;
type ConnectionEvent = Extract<LinkEvent, { attempt: number }>;

function isAttempting(phase: LinkPhase): phase is Attempting {
  return phase.kind !== "stopped" && phase.kind !== "waiting";
}

function issue(code: Code, message: string): Issue {
  return { code, message };
}

function same(state: LinkState): LinkStep {
  return { state, effects: [] };
}

/**
 * A ping is due when nothing was sent for the interval, and also when nothing was heard for it: a device
 * that sends without a pause to a server that never answers must find out, too.
 */
function pingDueMs(phase: Online, heardMs: number, sentMs: number): number {
  return Math.max(phase.pingedMs, Math.min(sentMs, heardMs)) + phase.pingIntervalMs;
}

/** Whole milliseconds: a fraction makes a deadline that is never quite there, and a tick that is due again and again. */
function intervals({ pingIntervalMs }: Online, count: number): number {
  return Math.round(pingIntervalMs * count);
}

function start(state: LinkState, spreadMs: number, { nowMs, random }: LinkContext): LinkStep {
  const untilMs = nowMs + Math.round(spreadMs * random.next());
  return { state: { ...state, notBeforeMs: untilMs, offlineSinceMs: nowMs, phase: { kind: "waiting", why: "spread", untilMs } }, effects: [] };
}

/** The present attempt, if any, is closed on the way to `next`. */
function end(state: LinkState, next: LinkState, why: Issue, bye?: ByeReason): LinkStep {
  if (!isAttempting(state.phase)) return same(next);
  const polite = state.phase.kind === "online" && bye !== undefined;
  return { state: next, effects: [{ kind: "close", attempt: state.attempt, why, ...(polite ? { bye } : {}) }] };
}

function offline(state: LinkState, { nowMs }: LinkContext): LinkState {
  return state.phase.kind === "online" ? { ...state, offlineSinceMs: nowMs } : state;
}

/** Waits until an endpoint may be tried. Every way out of an attempt ends here. */
function wait(state: LinkState, { nowMs }: LinkContext): LinkState {
  if (state.redirect !== undefined) return { ...state, phase: { kind: "waiting", why: "retry", untilMs: Math.max(nowMs, state.notBeforeMs) } };
  const choice = chooseEndpoint(state.book, nowMs);
  if (choice === undefined) return { ...state, phase: { kind: "waiting", why: "no-endpoint", untilMs: Number.POSITIVE_INFINITY } };
  const untilMs = Math.max(state.notBeforeMs, "url" in choice ? nowMs : choice.untilMs);
  return { ...state, phase: { kind: "waiting", why: "retry", untilMs } };
}

function withGap(state: LinkState, { nowMs, policy, random }: LinkContext): LinkState {
  return { ...state, notBeforeMs: Math.max(state.notBeforeMs, nowMs + retryDelayMs(policy.failover, 0, random)) };
}

function changeEndpoints(state: LinkState, urls: readonly string[], context: LinkContext): LinkStep {
  const { redirect: _, ...rest } = state;
  const next: LinkState = { ...rest, redirects: 0, returns: 0, book: bookOf(urls, state.book) };
  if (state.phase.kind === "stopped") return same(next);
  if (!isAttempting(state.phase)) return same(wait(next, context));
  const kept = state.phase;
  const { lastError: __, ...fresh } = next;
  if (urls.includes(kept.endpoint)) return same({ ...next, phase: kept.kind === "online" ? placed(kept, next, context) : kept });
  return end(state, wait(withGap(offline(fresh, context), context), context), issue("link.moving", "the endpoints changed"), "moving");
}

function reconnect(state: LinkState, reason: "moving" | "reconnecting", context: LinkContext): LinkStep {
  const next = wait(withGap(offline(state, context), context), context);
  return end(state, next, issue(reason === "moving" ? "link.moving" : "link.reconnecting", "the agent connects anew"), reason);
}

/** Brings the wait forward to the shortest gap after the last attempt. What the cloud asked for still holds. */
function nudge(state: LinkState, context: LinkContext): LinkStep {
  if (state.phase.kind !== "waiting" || state.phase.why !== "retry") return same(state);
  // Refusals keep their schedule: a network that came up does not change the cloud's mind.
  const book = state.book.map((record) => (record.refusals > 0 ? record : { ...record, notBeforeMs: 0 }));
  return same(wait({ ...state, book }, context));
}

function connect(state: LinkState, endpoint: string, { nowMs }: LinkContext): LinkStep {
  const { redirect: _, ...rest } = state;
  const attempt = state.attempt + 1;
  return { state: { ...rest, attempt, phase: { kind: "connecting", endpoint, sinceMs: nowMs } }, effects: [{ kind: "connect", attempt, endpoint }] };
}

function tick(state: LinkState, event: Extract<LinkEvent, { kind: "tick" }>, context: LinkContext): LinkStep {
  const { nowMs, policy } = context;
  const { phase } = state;
  switch (phase.kind) {
    case "stopped":
      return same(state);
    case "waiting": {
      if (nowMs < phase.untilMs) return same(state);
      if (state.redirect !== undefined) return connect(state, state.redirect, context);
      const choice = chooseEndpoint(state.book, nowMs);
      return choice !== undefined && "url" in choice ? connect(state, choice.url, context) : same(wait(state, context));
    }
    case "connecting":
      if (nowMs - phase.sinceMs < policy.connectTimeoutMs) return same(state);
      return failed(state, issue("link.timeout", `no connection after ${policy.connectTimeoutMs} ms`), context);
    case "handshaking": {
      if (nowMs - phase.stepSinceMs < policy.handshakeTimeoutMs) return same(state);
      const what = phase.step === "hello" ? "the device could not answer the challenge" : `the server sent no ${phase.step}`;
      return failed(state, issue("link.handshake-timeout", `${what} within ${policy.handshakeTimeoutMs} ms`), context);
    }
    case "online":
      return tickOnline(state, phase, event, context);
  }
}

function tickOnline(state: LinkState, phase: Online, event: Extract<LinkEvent, { kind: "tick" }>, context: LinkContext): LinkStep {
  const { nowMs, policy } = context;
  const error = deadOf(phase, event, context);
  if (error !== undefined) {
    const noted = error.code === "link.silent" ? noteEnd(state, phase, { gapMs: phase.pingIntervalMs, silent: true }, context) : state;
    return failed(noted, error, context);
  }
  if (nowMs >= phase.pingLookMs) {
    const ping = lookAgain(pingOf(state, policy), phase.toldPingMs, policy.pingLearning);
    return tickOnline({ ...state, ping }, { ...phase, pingIntervalMs: pingIntervalOf(ping, phase.toldPingMs), pingLookMs: lookAgainMs(ping, nowMs, policy.pingLearning) }, event, context);
  }
  if (phase.returnAtMs !== undefined && nowMs >= phase.returnAtMs) {
    const preferred = chooseEndpoint(state.book, nowMs);
    const better = preferred !== undefined && "url" in preferred && preferred.url !== phase.endpoint;
    if (better) return reconnect({ ...state, returns: state.returns + 1 }, "reconnecting", context);
    return same({ ...state, phase: placed(phase, state, context) });
  }
  let next = state;
  let online = phase;
  if (!online.stable && nowMs - online.sinceMs >= policy.stableAfterMs) {
    online = { ...online, stable: true };
    const preferred = state.book[0]?.url === online.endpoint;
    next = { ...next, book: noteStable(next.book, online.endpoint), redirects: 0, obeyed: 0, returns: preferred ? 0 : next.returns };
  }
  if (online.unansweredSinceMs !== undefined && event.pongMs >= online.unansweredSinceMs) {
    const { unansweredSinceMs: _, ...answered } = online;
    online = answered;
  }
  if (nowMs < pingDueMs(online, event.heardMs, event.sentMs)) return same({ ...next, phase: online });
  online = { ...online, pingedMs: nowMs, unansweredSinceMs: online.unansweredSinceMs ?? nowMs };
  return { state: { ...next, phase: online }, effects: [{ kind: "ping", attempt: state.attempt }] };
}

/** Why the connection is dead although it looks open. */
function deadOf(phase: Online, event: Extract<LinkEvent, { kind: "tick" }>, { nowMs, policy }: LinkContext): Issue | undefined {
  const silentMs = nowMs - event.heardMs;
  if (silentMs >= intervals(phase, policy.readDeadlinePings)) {
    return issue("link.silent", `no frame from the server for ${Math.round(silentMs)} ms`);
  }
  const unansweredMs = phase.unansweredSinceMs === undefined || event.pongMs >= phase.unansweredSinceMs ? 0 : nowMs - phase.unansweredSinceMs;
  if (unansweredMs < intervals(phase, policy.unansweredPings)) return undefined;
  return issue("link.unanswered", `the server sends but has not answered a ping for ${Math.round(unansweredMs)} ms: it does not read`);
}

function fromConnection(state: LinkState, event: ConnectionEvent, context: LinkContext): LinkStep {
  const { nowMs } = context;
  const { phase } = state;
  switch (event.kind) {
    case "opened":
      if (phase.kind !== "connecting") return same(state);
      return same({ ...state, phase: { ...phase, kind: "handshaking", step: "challenge", stepSinceMs: nowMs } });
    case "challenged":
      if (phase.kind !== "handshaking" || phase.step !== "challenge") return same(state);
      return same({ ...state, phase: { ...phase, step: "hello", stepSinceMs: nowMs } });
    case "hello-sent":
      if (phase.kind !== "handshaking" || phase.step !== "hello") return same(state);
      return same({ ...state, phase: { ...phase, step: "welcome", stepSinceMs: nowMs } });
    case "welcomed":
      return phase.kind === "handshaking" && phase.step === "welcome" ? same(welcomed(state, phase.endpoint, event, context)) : same(state);
    case "limited":
      if (phase.kind !== "online") return same(state);
      return same({ ...state, phase: { ...phase, toldPingMs: event.pingIntervalMs, pingIntervalMs: pingIntervalOf(pingOf(state, context.policy), event.pingIntervalMs) } });
    case "refused":
      return refused(state, event, context);
    case "goaway":
      return goAway(state, event, context);
    case "lost": {
      const { gapMs } = event;
      const noted = phase.kind === "online" && gapMs !== undefined ? noteEnd(state, phase, { gapMs, silent: false }, context) : state;
      return failed(noted, event.error, context);
    }
  }
}

function welcomed(state: LinkState, endpoint: string, event: Extract<LinkEvent, { kind: "welcomed" }>, context: LinkContext): LinkState {
  const { lastError: _, ...rest } = state;
  const { policy } = context;
  const toldPingMs = event.pingIntervalMs ?? policy.pingIntervalMs;
  const phase: Online = {
    kind: "online",
    endpoint,
    session: event.session,
    sinceMs: context.nowMs,
    stable: false,
    toldPingMs,
    pingIntervalMs: pingIntervalOf(pingOf(state, policy), toldPingMs),
    pingLookMs: lookAgainMs(pingOf(state, policy), context.nowMs, policy.pingLearning),
    pingedMs: context.nowMs,
  };
  return { ...rest, phase: placed(phase, state, context) };
}

function pingOf({ ping }: LinkState, { pingLearning }: LinkPolicy): PingMemory {
  return ping ?? freshPing(pingLearning);
}

function noteEnd(state: LinkState, { sinceMs }: Online, end: Omit<SessionEnd, "livedMs">, { nowMs, policy }: LinkContext): LinkState {
  return { ...state, ping: noteSessionEnd(pingOf(state, policy), { ...end, livedMs: nowMs - sinceMs }, policy.pingLearning) };
}

/** The online phase with or without a time to return to the preferred endpoint. */
function placed(phase: Online, state: LinkState, { nowMs, policy, random }: LinkContext): Online {
  const { returnAtMs: _, ...online } = phase;
  const place = state.book.findIndex((record) => record.url === phase.endpoint);
  return place > 0 ? { ...online, returnAtMs: nowMs + retryDelayMs(policy.preferredReturn, state.returns, random) } : online;
}

/** An attempt or session ended for a reason of the network, or of a server that does not answer. */
function failed(state: LinkState, error: Issue, context: LinkContext): LinkStep {
  const { phase } = state;
  if (!isAttempting(phase)) return same(state);
  const book = noteFailure(state.book, phase.endpoint, context.nowMs, context.policy, context.random);
  const ping = state.ping === undefined || phase.kind === "online" ? {} : { ping: noteFailedAttempt(state.ping) };
  const next = wait(withGap({ ...offline(state, context), ...ping, book, lastError: error }, context), context);
  return end(state, next, error);
}

function refused(state: LinkState, event: Extract<LinkEvent, { kind: "refused" }>, context: LinkContext): LinkStep {
  const { phase } = state;
  if (!isAttempting(phase)) return same(state);
  const { nowMs, policy, random } = context;
  // A server that says when to come back knows better than our schedule; one that does not gets the slow one.
  const note = event.retryAfterMs === undefined ? noteRefusal : noteFailure;
  const book = note(state.book, phase.endpoint, nowMs, policy, random);
  const next = redirected({ ...offline(state, context), book, lastError: event.error }, phase.endpoint, event.endpoint, context);
  return end(state, wait(putOff(next, phase, event.retryAfterMs, context), context), event.error);
}

function goAway(state: LinkState, event: Extract<LinkEvent, { kind: "goaway" }>, context: LinkContext): LinkStep {
  const { phase } = state;
  if (!isAttempting(phase)) return same(state);
  const { nowMs, policy, random } = context;
  const why = issue("link.goaway", event.reason === "" ? "the server asked the device to leave" : event.reason);
  const stable = phase.kind === "online" && phase.stable;
  let next: LinkState = { ...offline(state, context), lastError: why };
  // A server that sends every device away at once must not make each of them come back every second.
  if (!stable) next = { ...next, book: noteFailure(next.book, phase.endpoint, nowMs, policy, random) };
  next = redirected(next, phase.endpoint, event.endpoint, context);
  return end(state, wait(putOff(next, phase, event.retryAfterMs, context), context), why, "reconnecting");
}

/** With `to` as the address of the next attempt, where it may be followed and not too many were since the last stable session. */
function redirected(state: LinkState, from: string, to: string | undefined, { policy, schemes }: LinkContext): LinkState {
  if (to === undefined || state.redirects >= policy.redirectsMax || !mayFollow(from, to, schemes, policy.plainAllowed)) return state;
  return { ...state, redirect: to, redirects: state.redirects + 1 };
}

/** An address that the transport takes; never one in plain text where none may be, and never from an encrypted one to plain text. */
function mayFollow(from: string, to: string, schemes: Schemes, plainAllowed: boolean): boolean {
  const [before, after] = [from, to].map((address) => schemes.get(parseUrl(address)?.protocol ?? ""));
  return after === "secure" || (after === "plain" && before === "plain" && plainIssue(to, plainAllowed) === undefined);
}

/**
 * When the next attempt may be made. What the cloud asked for is waited, with jitter on top so that a fleet does not come back in step, and
 * nothing else: longer or shorter than the own schedule. One that asks for short waits again and again gets the longer of the two.
 */
function putOff(state: LinkState, { kind, endpoint, ...phase }: Attempting, retryAfterMs: number | undefined, context: LinkContext): LinkState {
  if (retryAfterMs === undefined) return withGap(state, context);
  const { nowMs, policy, random } = context;
  const stable = kind === "online" && "stable" in phase && phase.stable;
  const afterMs = Math.min(stable ? retryAfterMs : Math.max(retryAfterMs, policy.failure.floorMs), policy.retryAfterMaxMs);
  const jitterMs = Math.round(random.next() * Math.min(afterMs * policy.retryAfterJitterRatio, policy.retryAfterJitterMaxMs));
  const next: LinkState = { ...state, obeyed: state.obeyed + 1, notBeforeMs: nowMs + afterMs + jitterMs };
  if (state.obeyed >= policy.retryAfterShorterMax) return withGap(next, context);
  return { ...next, book: noteTime(next.book, endpoint, nowMs) };
}
