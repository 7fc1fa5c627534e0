import type { StageContent, StageScene } from "../contract/link-messages.ts";
import type { Issue } from "../../platform/ports/result.ts";
import type { Random } from "../../platform/ports/random.ts";
import { redactText } from "../../platform/runtime/redact.ts";
import { retryDelayMs, type RetryPolicy } from "../../platform/runtime/retry-schedule.ts";
import type { ProbeAnswer } from "./origin-probe.ts";
import { withReload, type OwnReloads } from "./reload-loop.ts";
import type { ScreenModel } from "./shell.ts";

/** What is on the glass, judging by loads alone. */
export type Shown =
  | { readonly kind: "nothing" }
  /** One of our own pages, fully loaded. */
  | { readonly kind: "screen"; readonly screen: ScreenModel }
  /** The content's document has committed, but its load has not finished. */
  | { readonly kind: "arriving"; readonly content: StageContent; readonly sinceMs: number; readonly flaw?: Issue }
  /** Fully loaded content: the last good picture. `flaw`: its document is on the glass but is not as it should be. */
  | { readonly kind: "content"; readonly content: StageContent; readonly sinceMs: number; readonly loads: number; readonly flaw?: Issue };

/** What the stage is busy with. */
export type Work =
  | { readonly kind: "idle" }
  /** The browser is not running; `shell-ready` reports when it is. `outputOff`: it waits for an output, and which ones are off. */
  | { readonly kind: "no-shell"; readonly why: string; readonly outputOff?: string }
  /** Waiting for the probe of the content's own origin. */
  | { readonly kind: "probing"; readonly ticket: number; readonly attempt: number; readonly ignoreCache: boolean }
  /** Waiting to retry after `error`: the origin did not answer or the load failed. `asked`: see `loading`. */
  | { readonly kind: "waiting"; readonly ticket: number; readonly attempt: number; readonly error: Issue; readonly ignoreCache: boolean; readonly asked?: number }
  /** `asked`: the ticket of a probe that runs alongside the load. `remark`: a problem found by a probe that the browser may also hit. */
  | { readonly kind: "loading"; readonly load: number; readonly attempt: number; readonly asked?: number; readonly remark?: Issue }
  /** The renderer died; waiting before the next load, because reloading at once could make things worse. */
  | { readonly kind: "cooling"; readonly ticket: number; readonly crashes: number };

export interface StageState {
  readonly wanted: StageScene;
  /** When it became wanted, in wall-clock milliseconds. */
  readonly wantedSinceMs: number;
  readonly shown: Shown;
  readonly work: Work;
  /** The content load last requested from the browser, until its outcome is known. It outlives a change of plan. */
  readonly inFlight?: { readonly load: number; readonly content: StageContent };
  /** The same for one of our own pages: until it has loaded, `shown` is still what was on before. */
  readonly screenInFlight?: { readonly load: number; readonly screen: ScreenModel };
  /** Incremented with every load, probe and timer; results with an old number are ignored. */
  readonly lastTicket: number;
  /** Monotonic times of renderer deaths within `CRASH_WINDOW_MS`. */
  readonly crashesMs: readonly number[];
  /** Finished loads of the wanted content. */
  readonly loads: number;
  /** The most recent loads that the page on the screen started itself. */
  readonly ownReloads: OwnReloads;
  /** Why the content last failed; cleared when it is shown. */
  readonly error?: Issue;
  /** Number of consecutive documents that tried to lead elsewhere, and the monotonic time of the last. */
  readonly leads?: { readonly count: number; readonly atMs: number };
}

export type StageEvent =
  | { readonly kind: "scene"; readonly scene: StageScene }
  | { readonly kind: "shell-ready" }
  | { readonly kind: "shell-gone"; readonly why: string }
  /** The browser is not started before an output is enabled. */
  | { readonly kind: "no-output"; readonly outputOff: string }
  | { readonly kind: "probed"; readonly ticket: number; readonly answer: ProbeAnswer }
  | { readonly kind: "timer"; readonly ticket: number }
  /** The page navigated to another document by itself. */
  | { readonly kind: "own-document" }
  | { readonly kind: "load-committed"; readonly load: number }
  | { readonly kind: "load-finished"; readonly load?: number }
  | { readonly kind: "load-cut"; readonly load?: number; readonly error: Issue }
  | { readonly kind: "leads-elsewhere"; readonly url: string }
  | { readonly kind: "load-failed"; readonly load?: number; readonly error: Issue; readonly pictureKept: boolean }
  | { readonly kind: "renderer-gone"; readonly reason: string }
  /** No frame arrived for too long; `step` is the process to end. */
  | { readonly kind: "frozen"; readonly step: "renderer" | "browser" }
  | { readonly kind: "reload"; readonly ignoreCache: boolean };

export type StageEffect =
  | { readonly kind: "show-screen"; readonly load: number; readonly screen: ScreenModel }
  | { readonly kind: "load"; readonly load: number; readonly content: StageContent; readonly ignoreCache: boolean }
  | { readonly kind: "probe"; readonly ticket: number; readonly url: string }
  | { readonly kind: "wait"; readonly ticket: number; readonly delayMs: number }
  | { readonly kind: "reset-renderer" }
  | { readonly kind: "end-browser" };

export interface StageStep {
  readonly state: StageState;
  readonly effects: readonly StageEffect[];
}

export interface StageSurroundings {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly random: Random;
}

/** Origin away: the first retries come soon, to keep a short outage short on the screen; later at most once a minute. */
export const PROBE_RETRY: RetryPolicy = { firstMs: 2_000, factor: 1.7, capMs: 60_000, floorMs: 1_000 };
/** Something else answers in the origin's place, such as a captive portal before sign-in: retried often, to recover soon afterwards. */
const ELSEWHERE_RETRY: RetryPolicy = { ...PROBE_RETRY, capMs: 15_000 };
/** A page that leads elsewhere is loaded in full on every retry, so it is retried less often. */
const LEADS_RETRY: RetryPolicy = { ...PROBE_RETRY, capMs: 30_000 };
/** Time after which the count of consecutive documents that lead elsewhere starts again. */
const LEADS_WINDOW_MS = 5 * 60_000;
/** While no content is on, every fourth attempt loads without probing first. */
export const LOAD_UNASKED_EVERY = 4;
/** Renderer died: delays from the second death on. After the first, the content is loaded again at once. */
const CRASH_RETRY: RetryPolicy = { firstMs: 2_000, factor: 2.5, capMs: 30_000, floorMs: 500 };
/** After more than `CRASHES_MAX` deaths: the fault page stays on, and we retry slowly to spare the machine. */
const SLOW_RETRY: RetryPolicy = { firstMs: 300_000, factor: 1, capMs: 300_000, floorMs: 240_000 };
/** Renderer deaths older than this do not count. */
export const CRASH_WINDOW_MS = 10 * 60_000;
/** With more deaths than this within the window, retries become slow. */
export const CRASHES_MAX = 4;

export function initialStage(wanted: StageScene, wantedSinceMs: number): StageState {
  return { wanted, wantedSinceMs, shown: { kind: "nothing" }, work: { kind: "no-shell", why: "it was started and has not answered yet" }, lastTicket: 0, crashesMs: [], loads: 0, ownReloads: [] };
}

/** One step of the state machine: the state after `event` and the effects to carry out. Pure. */
export function stepStage(state: StageState, event: StageEvent, around: StageSurroundings): StageStep {
  switch (event.kind) {
    case "scene":
      return takeScene(state, event.scene, around);
    case "shell-ready":
      return begin({ ...settled(state), shown: { kind: "nothing" }, work: { kind: "idle" } }, false);
    case "shell-gone":
      return only({ ...settled(state), shown: { kind: "nothing" }, work: { kind: "no-shell", why: event.why } });
    case "no-output":
      return only(state.work.kind === "no-shell" ? { ...state, work: { kind: "no-shell", why: `it starts when an output is enabled: ${event.outputOff}`, outputOff: event.outputOff } } : state);
    case "probed":
      return takeProbe(state, event.ticket, event.answer, around);
    case "timer":
      return takeTimer(state, event.ticket);
    case "own-document":
      return takeOwnDocument(state);
    case "load-committed":
      return takeCommitted(state, event.load, around);
    case "load-finished":
      return takeFinished(state, event.load, around);
    case "load-cut":
      return takeCut(state, event.load, event.error, around);
    case "leads-elsewhere":
      return takeLead(state, event.url, around);
    case "load-failed":
      return takeFailed(state, event, around);
    case "renderer-gone":
      return takeCrash(state, event.reason, around);
    case "frozen":
      return canFreeze(state) ? { state, effects: [{ kind: event.step === "renderer" ? "reset-renderer" : "end-browser" }] } : only(state);
    case "reload":
      // A page that is already loading needs no reload, unless the cache is to be bypassed.
      if (state.work.kind === "no-shell" || (state.work.kind === "loading" && !event.ignoreCache)) return only(state);
      return begin(state, event.ignoreCache);
  }
}

function takeScene(state: StageState, scene: StageScene, around: StageSurroundings): StageStep {
  // The agent repeats its scene after every reconnect: the same scene must not flicker.
  if (sameScene(state.wanted, scene)) return only({ ...state, wanted: scene });
  const { error: _old, leads: _before, ...rest } = state;
  const next: StageState = { ...rest, wanted: scene, wantedSinceMs: around.wallMs, loads: 0, crashesMs: [], ownReloads: [] };
  if (state.work.kind === "no-shell") return only(next);
  // Back to what never left the screen: the other content had not arrived yet.
  const { shown, inFlight, screenInFlight } = state;
  const steady = inFlight === undefined && screenInFlight === undefined;
  const stillOn = steady && scene.kind === "content" && shown.kind === "content" && shown.flaw === undefined && stableText(shown.content) === stableText(scene.content);
  return stillOn ? only({ ...next, loads: shown.loads, work: { kind: "idle" } }) : begin(next, false);
}

/**
 * Starts working towards the wanted scene. A URL is probed first, so that content on the screen is not given up for a dead
 * origin. When no content is on, it is loaded at once: its service worker may serve it even while the origin is away.
 */
function begin(state: StageState, ignoreCache: boolean): StageStep {
  const { wanted } = state;
  const ticket = state.lastTicket + 1;
  if (wanted.kind !== "content") return showScreen(state, screenOf(wanted), { kind: "idle" });
  if (wanted.content.kind === "package") return load(state, 0, ignoreCache);
  const probe: StageEffect = { kind: "probe", ticket, url: wanted.content.url };
  if (!("content" in state.shown)) {
    const loading = load({ ...state, lastTicket: ticket }, 0, ignoreCache, { asked: ticket });
    return { ...loading, effects: [...loading.effects, probe] };
  }
  return { state: { ...state, work: { kind: "probing", ticket, attempt: 0, ignoreCache }, lastTicket: ticket }, effects: [probe] };
}

function load(state: StageState, attempt: number, ignoreCache: boolean, beside: { readonly asked?: number; readonly remark?: Issue } = {}): StageStep {
  if (state.wanted.kind !== "content") return only(state);
  const number = state.lastTicket + 1;
  const work: Work = { kind: "loading", load: number, attempt, ...beside };
  return {
    state: { ...state, work, lastTicket: number, inFlight: { load: number, content: state.wanted.content } },
    effects: [{ kind: "load", load: number, content: state.wanted.content, ignoreCache }],
  };
}

/** Shows one of our own pages. `work` is what continues behind it. */
function showScreen(state: StageState, screen: ScreenModel, work: Work): StageStep {
  const last = state.screenInFlight?.screen ?? (state.shown.kind === "screen" ? state.shown.screen : undefined);
  if (JSON.stringify(last) === JSON.stringify(screen)) return only({ ...state, work });
  const number = state.lastTicket + 1;
  return {
    state: { ...landed(state), screenInFlight: { load: number, screen }, work, lastTicket: number },
    effects: [{ kind: "show-screen", load: number, screen }],
  };
}

function takeProbe(state: StageState, ticket: number, answer: ProbeAnswer, around: StageSurroundings): StageStep {
  const { work } = state;
  const finding = answer.kind === "away" ? answer.error : answer.remark;
  if (work.kind === "probing" && work.ticket === ticket) {
    if (answer.kind === "answers") return load(state, work.attempt, work.ignoreCache, answer.remark && { remark: answer.remark });
    return waitAndSay(state, work.attempt, answer.error, work.ignoreCache, around);
  }
  if (finding === undefined) return only(state);
  // The load that ran alongside has failed: the probe may have a more exact reason.
  if (work.kind === "waiting" && work.asked === ticket) return sayBetter(state, work, finding);
  if (work.kind !== "loading" || work.asked !== ticket) return only(state);
  // The browser's own timeout is much longer, and the screen would stay empty until then.
  if (finding.code === "net.timed-out" && state.shown.kind === "nothing" && state.screenInFlight === undefined) return waitAndSay(landed(state), work.attempt, finding, false, around);
  return only({ ...state, work: { ...work, remark: finding } });
}

function sayBetter(state: StageState, work: Extract<Work, { kind: "waiting" }>, finding: Issue): StageStep {
  const error = moreExact(work.error, finding);
  if (error === work.error) return only(state);
  const waiting: StageState = { ...state, work: { ...work, error }, error };
  return "content" in state.shown ? only(waiting) : showScreen(waiting, screenForError(error), { ...work, error });
}

/** The browser's error counts; where it is vague, the probe's remark replaces it. */
function moreExact(error: Issue, remark: Issue | undefined): Issue {
  if (remark === undefined) return error;
  const vague = error.code === "net.failed" || (error.code === "tls.wrong-date" && ["tls.expired", "tls.not-yet-valid", "tls.clock-wrong"].includes(remark.code));
  return vague ? remark : error;
}

/** Schedules a retry; shows the error on the screen only when no content is on. */
function waitAndSay(state: StageState, attempt: number, error: Issue, ignoreCache: boolean, around: StageSurroundings, asked?: number): StageStep {
  const ticket = state.lastTicket + 1;
  const delayMs = retryDelayMs(retryFor(error), attempt, around.random);
  const work: Work = { kind: "waiting", ticket, attempt, error, ignoreCache, ...(asked === undefined ? {} : { asked }) };
  const waiting: StageState = { ...state, work, lastTicket: ticket, error };
  const wait: StageEffect = { kind: "wait", ticket, delayMs };
  if ("content" in state.shown) return { state: waiting, effects: [wait] };
  const shown = showScreen(waiting, screenForError(error), work);
  return { state: shown.state, effects: [...shown.effects, wait] };
}

function retryFor({ code }: Issue): RetryPolicy {
  if (code === "content.leads-elsewhere") return LEADS_RETRY;
  return code === "content.elsewhere" ? ELSEWHERE_RETRY : PROBE_RETRY;
}

function takeTimer(state: StageState, ticket: number): StageStep {
  const { work, wanted } = state;
  if (work.kind === "cooling" && work.ticket === ticket) return begin(state, false);
  if (work.kind !== "waiting" || work.ticket !== ticket) return only(state);
  if (wanted.kind !== "content") return begin(state, false);
  if (wanted.content.kind === "package") return load(state, work.attempt + 1, work.ignoreCache);
  // With no content on there is nothing to lose: a wrong probe must not keep a screen dark for ever.
  if (!("content" in state.shown) && (work.attempt + 1) % LOAD_UNASKED_EVERY === 0) return load(state, work.attempt + 1, work.ignoreCache);
  const next = state.lastTicket + 1;
  const probing: Work = { kind: "probing", ticket: next, attempt: work.attempt + 1, ignoreCache: work.ignoreCache };
  return { state: { ...state, work: probing, lastTicket: next }, effects: [{ kind: "probe", ticket: next, url: wanted.content.url }] };
}

/** The document has replaced what was on the glass. */
function takeCommitted(state: StageState, number: number, around: StageSurroundings): StageStep {
  const { inFlight, shown } = state;
  if (inFlight?.load !== number) return only(state);
  const sinceMs = "content" in shown && shown.content.id === inFlight.content.id ? shown.sinceMs : around.wallMs;
  return only({ ...state, shown: { kind: "arriving", content: inFlight.content, sinceMs } });
}

function takeFinished(state: StageState, number: number | undefined, around: StageSurroundings): StageStep {
  const { work, wanted, shown } = state;
  // A page that reloaded itself is the same content with one more load.
  if (number === undefined) {
    if (shown.kind !== "content") return only(state);
    return only({ ...state, shown: { ...shown, loads: shown.loads + 1 }, loads: state.loads + 1, ownReloads: withReload(state.ownReloads, around.monotonicMs) });
  }
  if (state.screenInFlight?.load === number) return only(screenCame(state, state.screenInFlight.screen));
  if (state.inFlight?.load !== number) return only(state);
  const { content } = state.inFlight;
  const loads = state.loads + 1;
  const again = "content" in shown && shown.content.id === content.id;
  const flaw = shown.kind === "arriving" ? shown.flaw : undefined;
  const onGlass: StageState = {
    ...settled(state),
    loads,
    shown: { kind: "content", content, sinceMs: again ? shown.sinceMs : around.wallMs, loads, ...(flaw && { flaw }) },
  };
  // The plan changed while it loaded: it is on the glass, and work on the new plan continues.
  if (work.kind !== "loading" || work.load !== number || wanted.kind !== "content") return only(onGlass);
  if (flaw !== undefined) return waitForBetter(onGlass, flaw, around);
  const { error: _cured, ...cured } = onGlass;
  return only({ ...cured, work: { kind: "idle" } });
}

/** A flaw of the previous document says nothing about the next one. */
function takeOwnDocument(state: StageState): StageStep {
  const { shown, work, error, ...rest } = state;
  if (shown.kind !== "content" || shown.flaw === undefined) return only(state);
  const { flaw, ...whole } = shown;
  if (work.kind === "waiting" && work.error === flaw) return only({ ...rest, shown: whole, work: { kind: "idle" } });
  return only({ ...rest, shown: whole, work, ...(error && { error }) });
}

/** The document was cut off. The part that arrived stays on until a complete one replaces it. */
function takeCut(state: StageState, number: number | undefined, error: Issue, around: StageSurroundings): StageStep {
  const { shown, inFlight, work } = state;
  if (number !== undefined && inFlight?.load !== number) return only(state);
  if (shown.kind !== "arriving" && shown.kind !== "content") return only(state);
  const { content, sinceMs } = shown;
  const cut: StageState = { ...(number === undefined ? state : landed(state)), shown: { kind: "content", content, sinceMs, loads: state.loads, flaw: error } };
  const ours = number === undefined ? work.kind === "idle" : work.kind === "loading" && work.load === number;
  return ours ? waitAndSay(cut, work.kind === "loading" ? work.attempt : 0, error, false, around) : only(cut);
}

/** The page on the glass tried to navigate to an address that is not allowed. */
function takeLead(state: StageState, url: string, around: StageSurroundings): StageStep {
  const { shown, work } = state;
  if (!("content" in shown)) return only(state);
  const flaw: Issue = { code: "content.leads-elsewhere", message: `The content leads to ${url}, where it may not go. If that is right, name it in the content's origins.` };
  if (shown.flaw?.code === flaw.code) return only(state);
  const before = state.leads === undefined || around.monotonicMs - state.leads.atMs > LEADS_WINDOW_MS ? 0 : state.leads.count;
  const leads = { count: before + 1, atMs: around.monotonicMs };
  const flawed: StageState = { ...state, leads, shown: { ...shown, flaw } };
  return shown.kind === "content" && work.kind === "idle" ? waitForBetter(flawed, flaw, around) : only(flawed);
}

/** What is on is flawed, not missing: it is reloaded, after a delay that grows with the count in `leads`. */
function waitForBetter(state: StageState, flaw: Issue, around: StageSurroundings): StageStep {
  return waitAndSay(state, Math.max(0, (state.leads?.count ?? 1) - 1), flaw, false, around);
}

/** Our own page is on. That completes a scene that is such a page; wanted content is still to come. */
function screenCame(state: StageState, screen: ScreenModel): StageState {
  const { screenInFlight: _came, ...rest } = state;
  const on: StageState = { ...rest, shown: { kind: "screen", screen } };
  if (state.wanted.kind === "content") return on;
  const { error: _cured, ...cured } = on;
  return cured;
}

/** Our own page failed to load. If content is wanted, the next attempt shows the page again; otherwise it is retried soon. */
function screenFailed(state: StageState, error: Issue, left: Shown, around: StageSurroundings): StageStep {
  const { screenInFlight: _failed, ...rest } = state;
  const next: StageState = { ...rest, shown: left };
  if (state.wanted.kind === "content" || state.work.kind !== "idle") return only(next);
  const ticket = state.lastTicket + 1;
  const work: Work = { kind: "waiting", ticket, attempt: 0, error, ignoreCache: false };
  return { state: { ...next, work, lastTicket: ticket, error }, effects: [{ kind: "wait", ticket, delayMs: retryDelayMs(PROBE_RETRY, 0, around.random) }] };
}

/** Clears the content load in flight: its outcome is known, or something else was requested. */
function landed(state: StageState): StageState {
  const { inFlight: _landed, ...rest } = state;
  return rest;
}

/** Clears all loads in flight. */
function settled(state: StageState): StageState {
  const { screenInFlight: _gone, ...rest } = landed(state);
  return rest;
}

function takeFailed(
  state: StageState,
  event: { readonly load?: number; readonly error: Issue; readonly pictureKept: boolean },
  around: StageSurroundings,
): StageStep {
  const { work, shown } = state;
  const left: Shown = event.pictureKept ? shown : { kind: "nothing" };
  if (event.load === undefined) {
    // The page tried to reload itself and failed: its own timer is spent, so we reload it when the origin is back.
    if (shown.kind !== "content" || work.kind !== "idle") return only({ ...state, shown: left });
    return waitAndSay({ ...state, shown: left }, 0, event.error, false, around);
  }
  if (state.screenInFlight?.load === event.load) return screenFailed(state, event.error, left, around);
  if (state.inFlight?.load !== event.load) return only(state);
  // One of our own pages that was in flight was given up for this load.
  const known: StageState = { ...settled(state), shown: left };
  if (work.kind !== "loading" || work.load !== event.load) return only(known);
  return waitAndSay(known, work.attempt, moreExact(event.error, work.remark), false, around, work.asked);
}

function takeCrash(state: StageState, reason: string, around: StageSurroundings): StageStep {
  if (state.work.kind === "no-shell") return only(state);
  const crashesMs = [...state.crashesMs.filter((at) => around.monotonicMs - at < CRASH_WINDOW_MS), around.monotonicMs].slice(-100);
  const crashes = crashesMs.length;
  const ticket = state.lastTicket + 1;
  const error: Issue = { code: "renderer.gone", message: `The page's process ended (${reason}), ${crashes} times in ${CRASH_WINDOW_MS / 60_000} minutes.` };
  const work: Work = { kind: "cooling", ticket, crashes };
  const next: StageState = { ...settled(state), crashesMs, shown: { kind: "nothing" }, work, lastTicket: ticket, error };
  // The first time, the content is back before anyone can read the browser's own crash page.
  if (crashes === 1) return { state: next, effects: [{ kind: "wait", ticket, delayMs: 0 }] };
  const delayMs = crashes <= CRASHES_MAX ? retryDelayMs(CRASH_RETRY, crashes - 2, around.random) : retryDelayMs(SLOW_RETRY, 0, around.random);
  const fault = showScreen(next, { kind: "fault", code: error.code, message: error.message }, work);
  return { state: fault.state, effects: [...fault.effects, { kind: "wait", ticket, delayMs }] };
}

/** Whether a renderer should be producing frames: not without a browser, and not after the renderer died. */
export function canFreeze({ work }: StageState): boolean {
  return work.kind !== "no-shell" && work.kind !== "cooling";
}

/** Whether the same picture is on, regardless of reloads; a document that is still arriving counts as the same. */
export function samePicture(a: Shown, b: Shown): boolean {
  if (a.kind === "nothing" || b.kind === "nothing") return a.kind === b.kind;
  if (a.kind === "screen") return b.kind === "screen" && stableText(a.screen) === stableText(b.screen);
  return b.kind !== "screen" && stableText(a.content) === stableText(b.content);
}

function only(state: StageState): StageStep {
  return { state, effects: [] };
}

/** Our page for a scene that is not content. */
function screenOf(scene: Exclude<StageScene, { kind: "content" }>): ScreenModel {
  if (scene.kind !== "pairing") return scene;
  const { kind, deviceId, status, code, claimUrl, setup } = scene;
  return { kind, deviceId, status, ...(code === undefined ? {} : { code }), ...(claimUrl === undefined ? {} : { claimUrl }), ...(setup === undefined ? {} : { setup }) };
}

/** Network errors are "offline"; everything else is a fault that somebody has to fix. */
function screenForError(error: Issue): ScreenModel {
  // Anyone in the shop can read it.
  const message = redactText(error.message);
  return error.code.startsWith("net.") ? { kind: "offline", message } : { kind: "fault", code: error.code, message };
}

/** Includes grants and allowed origins: a page whose grants change has to be loaded again. */
export function sameScene(a: StageScene, b: StageScene): boolean {
  return stableText(a) === stableText(b);
}

function stableText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
