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
 * The link as a pure state machine: state and event in, state and effects out. At most one attempt is alive at any
 * time. Attempts are numbered, and events of any but the current one are ignored. Times are monotonic milliseconds.
 */
export interface LinkState {
  readonly phase: LinkPhase;
  readonly book: EndpointBook;
  /** No attempt at any endpoint before this time: gap between endpoints, `retryAfterMs`, spread. */
  readonly notBeforeMs: number;
  /** Endpoint named by `goaway`, for the next attempt only. */
  readonly redirect?: string;
  /** Redirects followed since the last stable session. */
  readonly redirects: number;
  /** How many times `retryAfterMs` was obeyed since the last stable session. */
  readonly obeyed: number;
  /** Absent: nothing was learned. */
  readonly ping?: PingMemory;
  /** Number of the latest attempt. */
  readonly attempt: number;
  /** Consecutive returns to the preferred endpoint that led to no stable session there. */
  readonly returns: number;
  /** When the link last went offline. */
  readonly offlineSinceMs: number;
  readonly lastError?: LinkIssue;
}

export type WaitReason = "spread" | "retry" | "no-endpoint";

export type LinkPhase =
  | { readonly kind: "stopped" }
  /** `untilMs` is infinite when there is no endpoint. */
  | { readonly kind: "waiting"; readonly why: WaitReason; readonly untilMs: number }
  | { readonly kind: "connecting"; readonly endpoint: string; readonly sinceMs: number }
  /** `step`: what is awaited. `hello` is our own answer, which needs the disk. */
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
      /** Interval set by the cloud or the configuration; `pingIntervalMs` may be shorter. */
      readonly toldPingMs: number;
      /** When to try a longer ping interval, or to end such a trial as successful. */
      readonly pingLookMs: number;
      readonly pingedMs: number;
      /** Time of the oldest unanswered ping. */
      readonly unansweredSinceMs?: number;
      /** When to try the preferred endpoint again; absent on the preferred one and after a redirect. */
      readonly returnAtMs?: number;
    };

type ByeReason = DeviceMessageOf<"bye">["reason"];

export type LinkEvent =
  /** `spreadMs`: the first attempt is delayed by a random part of this. */
  | { readonly kind: "start"; readonly spreadMs: number; readonly ping?: PingMemory }
  | { readonly kind: "stop" }
  | { readonly kind: "endpoints"; readonly urls: readonly string[] }
  /** End the session with a `bye` and reconnect. */
  | { readonly kind: "reconnect"; readonly reason: "moving" | "reconnecting" }
  /** An attempt may succeed now, for example because a network came up. */
  | { readonly kind: "nudge" }
  /** Time passed. Times of the last frame in, the last frame out and the last pong of the current connection, if any. */
  | { readonly kind: "tick"; readonly heardMs: number; readonly sentMs: number; readonly pongMs: number }
  | { readonly kind: "opened"; readonly attempt: number }
  | { readonly kind: "challenged"; readonly attempt: number }
  | { readonly kind: "hello-sent"; readonly attempt: number }
  | { readonly kind: "welcomed"; readonly attempt: number; readonly session: string; readonly pingIntervalMs?: number }
  | { readonly kind: "limited"; readonly attempt: number; readonly pingIntervalMs: number }
  /** The server or the device refuses this session: retried on the slow schedule. `endpoint`: where the server moved. */
  | { readonly kind: "refused"; readonly attempt: number; readonly error: LinkIssue; readonly retryAfterMs?: number; readonly endpoint?: string }
  | { readonly kind: "goaway"; readonly attempt: number; readonly reason: string; readonly retryAfterMs?: number; readonly endpoint?: string }
  /** The attempt failed or its connection ended. `gapMs`: time since the last frame in either direction. */
  | { readonly kind: "lost"; readonly attempt: number; readonly error: Issue; readonly gapMs?: number };

export type LinkEffect =
  | { readonly kind: "connect"; readonly attempt: number; readonly endpoint: string }
  /** Ends the attempt or connection, after a `bye` if given. */
  | { readonly kind: "close"; readonly attempt: number; readonly why: Issue; readonly bye?: ByeReason }
  | { readonly kind: "ping"; readonly attempt: number };

export interface LinkStep {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

/** Inputs besides state and event. Randomness is injected so that a simulation can replay it. */
export interface LinkContext {
  readonly nowMs: number;
  readonly policy: LinkPolicy;
  readonly random: Random;
  /** Schemes the transport supports. */
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

/** When `tick` is due next; infinite when nothing is timed. */
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
 * A ping is due when nothing was sent, or nothing was received, for the interval. The latter detects a server that never
 * answers while the device sends constantly.
 */
function pingDueMs(phase: Online, heardMs: number, sentMs: number): number {
  return Math.max(phase.pingedMs, Math.min(sentMs, heardMs)) + phase.pingIntervalMs;
}

/** Rounded to whole milliseconds: a fractional deadline is never quite reached, so its tick would repeat endlessly. */
function intervals({ pingIntervalMs }: Online, count: number): number {
  return Math.round(pingIntervalMs * count);
}

function start(state: LinkState, spreadMs: number, { nowMs, random }: LinkContext): LinkStep {
  const untilMs = nowMs + Math.round(spreadMs * random.next());
  return { state: { ...state, notBeforeMs: untilMs, offlineSinceMs: nowMs, phase: { kind: "waiting", why: "spread", untilMs } }, effects: [] };
}

/** Goes to `next`, closing the current attempt, if any. */
function end(state: LinkState, next: LinkState, why: Issue, bye?: ByeReason): LinkStep {
  if (!isAttempting(state.phase)) return same(next);
  const polite = state.phase.kind === "online" && bye !== undefined;
  return { state: next, effects: [{ kind: "close", attempt: state.attempt, why, ...(polite ? { bye } : {}) }] };
}

function offline(state: LinkState, { nowMs }: LinkContext): LinkState {
  return state.phase.kind === "online" ? { ...state, offlineSinceMs: nowMs } : state;
}

/** Waits until an endpoint may be tried. Every end of an attempt but a stop leads here. */
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
  return end(state, next, issue(reason === "moving" ? "link.moving" : "link.reconnecting", "the agent reconnects"), reason);
}

/** Shortens the wait to the gap after the last attempt. A `retryAfterMs` still holds. */
function nudge(state: LinkState, context: LinkContext): LinkStep {
  if (state.phase.kind !== "waiting" || state.phase.why !== "retry") return same(state);
  // Refusals keep their schedule: a network that came up does not change the server's answer.
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

/** Why a connection that looks open is dead; `undefined` if it is not. */
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

/** `phase` with a new `returnAtMs`, or without one on the preferred endpoint or after a redirect. */
function placed(phase: Online, state: LinkState, { nowMs, policy, random }: LinkContext): Online {
  const { returnAtMs: _, ...online } = phase;
  const place = state.book.findIndex((record) => record.url === phase.endpoint);
  return place > 0 ? { ...online, returnAtMs: nowMs + retryDelayMs(policy.preferredReturn, state.returns, random) } : online;
}

/** An attempt or session ended because of the network or an unresponsive server. */
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
  // A refusal without `retryAfterMs` is retried on the slow schedule.
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
  // Otherwise a server that sends every device away at once would see each of them again every second.
  if (!stable) next = { ...next, book: noteFailure(next.book, phase.endpoint, nowMs, policy, random) };
  next = redirected(next, phase.endpoint, event.endpoint, context);
  return end(state, wait(putOff(next, phase, event.retryAfterMs, context), context), why, "reconnecting");
}

/** Sets `to` as the address of the next attempt, unless it may not be followed or too many redirects were. */
function redirected(state: LinkState, from: string, to: string | undefined, { policy, schemes }: LinkContext): LinkState {
  if (to === undefined || state.redirects >= policy.redirectsMax || !mayFollow(from, to, schemes, policy.plainAllowed)) return state;
  return { ...state, redirect: to, redirects: state.redirects + 1 };
}

/** Whether the transport supports the address. Plain text must be allowed, and is never followed from an encrypted address. */
function mayFollow(from: string, to: string, schemes: Schemes, plainAllowed: boolean): boolean {
  const [before, after] = [from, to].map((address) => schemes.get(parseUrl(address)?.protocol ?? ""));
  return after === "secure" || (after === "plain" && before === "plain" && plainIssue(to, plainAllowed) === undefined);
}

/**
 * Sets when the next attempt may be made. A `retryAfterMs` replaces the device's own schedule, whether longer or shorter,
 * plus jitter so that a fleet does not return in step. After too many in a row the longer of the two applies.
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
