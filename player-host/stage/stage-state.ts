import type { StageContent, StageScene } from "../contract/link-messages.ts";
import type { Issue } from "../../platform/ports/result.ts";
import type { Random } from "../../platform/ports/random.ts";
import { redactText } from "../../platform/runtime/redact.ts";
import { retryDelayMs, type RetryPolicy } from "../../platform/runtime/retry-schedule.ts";
import type { ProbeAnswer } from "./origin-probe.ts";
import { withReload, type OwnReloads } from "./reload-loop.ts";
import type { ScreenModel } from "./shell.ts";

/** What is on the glass as far as loading goes. */
export type Shown =
  | { readonly kind: "nothing" }
  /** One of our own pages whose load finished. */
  | { readonly kind: "screen"; readonly screen: ScreenModel }
  /** The content's document has come; the rest of its first load has not. */
  | { readonly kind: "arriving"; readonly content: StageContent; readonly sinceMs: number; readonly flaw?: Issue }
  /** Content whose load finished: the last good picture. `flaw`: its document is on, and is not what it should be. */
  | { readonly kind: "content"; readonly content: StageContent; readonly sinceMs: number; readonly loads: number; readonly flaw?: Issue };

/** What the stage is busy with. */
export type Work =
  | { readonly kind: "idle" }
  /** The browser is not there; whoever runs it says when it is. */
  | { readonly kind: "no-shell"; readonly why: string }
  /** Asked the content's own origin whether it is there. */
  | { readonly kind: "probing"; readonly ticket: number; readonly attempt: number; readonly ignoreCache: boolean }
  /** The origin does not answer, or the load failed. `show` is what the screen says where nothing good is on. */
  | { readonly kind: "waiting"; readonly ticket: number; readonly attempt: number; readonly error: Issue; readonly ignoreCache: boolean; readonly asked?: number }
  /** `asked`: the ticket of a probe that goes beside the load. `remark`: what a probe found that the browser may not like. */
  | { readonly kind: "loading"; readonly load: number; readonly attempt: number; readonly asked?: number; readonly remark?: Issue }
  /** The renderer died; loading again at once could make things worse. */
  | { readonly kind: "cooling"; readonly ticket: number; readonly crashes: number };

export interface StageState {
  readonly wanted: StageScene;
  /** Wall clock since when it is wanted. */
  readonly wantedSinceMs: number;
  readonly shown: Shown;
  readonly work: Work;
  /** The content load the browser was last told to do, until its outcome is known. It outlives a change of plan. */
  readonly inFlight?: { readonly load: number; readonly content: StageContent };
  /** The same for a page of ours: until it has come, what was on before is what is on. */
  readonly screenInFlight?: { readonly load: number; readonly screen: ScreenModel };
  /** Rises with every load, probe and timer; what comes back with an old number is ignored. */
  readonly lastTicket: number;
  /** Monotonic times of renderer deaths inside the window. */
  readonly crashesMs: readonly number[];
  /** Loads of the wanted content that finished. */
  readonly loads: number;
  /** Those that the page on the screen began itself, the last few. */
  readonly ownReloads: OwnReloads;
  /** Why the content failed last, until it is shown. */
  readonly error?: Issue;
  /** Documents in a row that wanted to be elsewhere, and the monotonic time of the last. */
  readonly leads?: { readonly count: number; readonly atMs: number };
}

export type StageEvent =
  | { readonly kind: "scene"; readonly scene: StageScene }
  | { readonly kind: "shell-ready" }
  | { readonly kind: "shell-gone"; readonly why: string }
  | { readonly kind: "probed"; readonly ticket: number; readonly answer: ProbeAnswer }
  | { readonly kind: "timer"; readonly ticket: number }
  /** The page went to another document of its own. */
  | { readonly kind: "own-document" }
  | { readonly kind: "load-committed"; readonly load: number }
  | { readonly kind: "load-finished"; readonly load?: number }
  | { readonly kind: "load-cut"; readonly load?: number; readonly error: Issue }
  | { readonly kind: "leads-elsewhere"; readonly url: string }
  | { readonly kind: "load-failed"; readonly load?: number; readonly error: Issue; readonly pictureKept: boolean }
  | { readonly kind: "renderer-gone"; readonly reason: string }
  /** No frame came for too long; `step` is what is to be ended. */
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

/** Origin away: soon at first, so that a short outage is short on the screen, then every minute at most. */
export const PROBE_RETRY: RetryPolicy = { firstMs: 2_000, factor: 1.7, capMs: 60_000, floorMs: 1_000 };
/** Somebody else answers in the origin's place, as a portal does until somebody signs in: soon over, once it is over. */
const ELSEWHERE_RETRY: RetryPolicy = { ...PROBE_RETRY, capMs: 15_000 };
/** The page that leads elsewhere is loaded again each time, so less often. */
const LEADS_RETRY: RetryPolicy = { ...PROBE_RETRY, capMs: 30_000 };
/** A document that wants to be elsewhere this long after the last is the first in a row. */
const LEADS_WINDOW_MS = 5 * 60_000;
/** Where nothing good is on, every so many attempts load without asking first. */
export const LOAD_UNASKED_EVERY = 4;
/** Renderer died: the first time at once, so that the picture is back before anybody looks. */
const CRASH_RETRY: RetryPolicy = { firstMs: 2_000, factor: 2.5, capMs: 30_000, floorMs: 500 };
/** After the cap: the fault page is on, and we keep trying without heating the machine. */
const SLOW_RETRY: RetryPolicy = { firstMs: 300_000, factor: 1, capMs: 300_000, floorMs: 240_000 };
/** Deaths older than this do not count. */
export const CRASH_WINDOW_MS = 10 * 60_000;
/** More deaths than this within the window and the fault page is shown. */
export const CRASHES_MAX = 4;

export function initialStage(wanted: StageScene, wantedSinceMs: number): StageState {
  return { wanted, wantedSinceMs, shown: { kind: "nothing" }, work: { kind: "no-shell", why: "it was started and has not answered yet" }, lastTicket: 0, crashesMs: [], loads: 0, ownReloads: [] };
}

/** One step: what the stage is after `event`, and what has to be done for it. Pure. */
export function stepStage(state: StageState, event: StageEvent, around: StageSurroundings): StageStep {
  switch (event.kind) {
    case "scene":
      return takeScene(state, event.scene, around);
    case "shell-ready":
      return begin({ ...settled(state), shown: { kind: "nothing" }, work: { kind: "idle" } }, false);
    case "shell-gone":
      return only({ ...settled(state), shown: { kind: "nothing" }, work: { kind: "no-shell", why: event.why } });
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
      // A page that is being loaded is as new as a page can be, unless its cache is what is doubted.
      if (state.work.kind === "no-shell" || (state.work.kind === "loading" && !event.ignoreCache)) return only(state);
      return begin(state, event.ignoreCache);
  }
}

function takeScene(state: StageState, scene: StageScene, around: StageSurroundings): StageStep {
  // The agent says its scene again after every reconnect: the same scene must not blink.
  if (sameScene(state.wanted, scene)) return only({ ...state, wanted: scene });
  const { error: _old, leads: _before, ...rest } = state;
  const next: StageState = { ...rest, wanted: scene, wantedSinceMs: around.wallMs, loads: 0, crashesMs: [], ownReloads: [] };
  if (state.work.kind === "no-shell") return only(next);
  // Back to what never left the screen: the other content had not come yet.
  const { shown, inFlight, screenInFlight } = state;
  const steady = inFlight === undefined && screenInFlight === undefined;
  const stillOn = steady && scene.kind === "content" && shown.kind === "content" && shown.flaw === undefined && stableText(shown.content) === stableText(scene.content);
  return stillOn ? only({ ...next, loads: shown.loads, work: { kind: "idle" } }) : begin(next, false);
}

/**
 * Starts towards what is wanted. A URL is asked for first: nothing that is on the screen is given up for a dead origin.
 * Where nothing good is on there is nothing to give up, and content may come with its origin away: from its own worker.
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

/** Our own page, where nothing good is on. `work` is what goes on behind it. */
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
  // The load went ahead, and failed meanwhile: the probe may know better why.
  if (work.kind === "waiting" && work.asked === ticket) return sayBetter(state, work, finding);
  if (work.kind !== "loading" || work.asked !== ticket) return only(state);
  // The browser would wait much longer for a way that leads nowhere, in front of an empty screen.
  if (finding.code === "net.timed-out" && state.shown.kind === "nothing" && state.screenInFlight === undefined) return waitAndSay(landed(state), work.attempt, finding, false, around);
  return only({ ...state, work: { ...work, remark: finding } });
}

function sayBetter(state: StageState, work: Extract<Work, { kind: "waiting" }>, finding: Issue): StageStep {
  const error = moreExact(work.error, finding);
  if (error === work.error) return only(state);
  const waiting: StageState = { ...state, work: { ...work, error }, error };
  return "content" in state.shown ? only(waiting) : showScreen(waiting, screenForError(error), { ...work, error });
}

/** The browser judges; where its word is vague, the probe's says more. */
function moreExact(error: Issue, remark: Issue | undefined): Issue {
  if (remark === undefined) return error;
  const vague = error.code === "net.failed" || (error.code === "tls.wrong-date" && ["tls.expired", "tls.not-yet-valid", "tls.clock-wrong"].includes(remark.code));
  return vague ? remark : error;
}

/** Waits for the origin; says so on the screen only where no good picture can stay. */
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
  // With nothing good on there is nothing to lose: a probe that is wrong must not keep a screen dark for ever.
  if (!("content" in state.shown) && (work.attempt + 1) % LOAD_UNASKED_EVERY === 0) return load(state, work.attempt + 1, work.ignoreCache);
  const next = state.lastTicket + 1;
  const probing: Work = { kind: "probing", ticket: next, attempt: work.attempt + 1, ignoreCache: work.ignoreCache };
  return { state: { ...state, work: probing, lastTicket: next }, effects: [{ kind: "probe", ticket: next, url: wanted.content.url }] };
}

/** The document is on the glass, and what was there before is not. */
function takeCommitted(state: StageState, number: number, around: StageSurroundings): StageStep {
  const { inFlight, shown } = state;
  if (inFlight?.load !== number) return only(state);
  const sinceMs = "content" in shown && shown.content.id === inFlight.content.id ? shown.sinceMs : around.wallMs;
  return only({ ...state, shown: { kind: "arriving", content: inFlight.content, sinceMs } });
}

function takeFinished(state: StageState, number: number | undefined, around: StageSurroundings): StageStep {
  const { work, wanted, shown } = state;
  // A page that loaded itself anew is the same content with one more load.
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
  // The plan changed while it loaded: it is on the glass, and the new plan goes on.
  if (work.kind !== "loading" || work.load !== number || wanted.kind !== "content") return only(onGlass);
  if (flaw !== undefined) return waitForBetter(onGlass, flaw, around);
  const { error: _cured, ...cured } = onGlass;
  return only({ ...cured, work: { kind: "idle" } });
}

/** What was wrong with the document before says nothing of the next. */
function takeOwnDocument(state: StageState): StageStep {
  const { shown, work, error, ...rest } = state;
  if (shown.kind !== "content" || shown.flaw === undefined) return only(state);
  const { flaw, ...whole } = shown;
  if (work.kind === "waiting" && work.error === flaw) return only({ ...rest, shown: whole, work: { kind: "idle" } });
  return only({ ...rest, shown: whole, work, ...(error && { error }) });
}

/** The document that is on ended in the middle. What came of it stays on until it comes whole. */
function takeCut(state: StageState, number: number | undefined, error: Issue, around: StageSurroundings): StageStep {
  const { shown, inFlight, work } = state;
  if (number !== undefined && inFlight?.load !== number) return only(state);
  if (shown.kind !== "arriving" && shown.kind !== "content") return only(state);
  const { content, sinceMs } = shown;
  const cut: StageState = { ...(number === undefined ? state : landed(state)), shown: { kind: "content", content, sinceMs, loads: state.loads, flaw: error } };
  const ours = number === undefined ? work.kind === "idle" : work.kind === "loading" && work.load === number;
  return ours ? waitAndSay(cut, work.kind === "loading" ? work.attempt : 0, error, false, around) : only(cut);
}

/** The page on the glass says itself that it belongs elsewhere, where it may not go. */
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

/** What is on is flawed, not missing: it is loaded again, each time later. */
function waitForBetter(state: StageState, flaw: Issue, around: StageSurroundings): StageStep {
  return waitAndSay(state, Math.max(0, (state.leads?.count ?? 1) - 1), flaw, false, around);
}

/** Our page is on. What it stood in for is still to come; a scene that is our page is complete with it. */
function screenCame(state: StageState, screen: ScreenModel): StageState {
  const { screenInFlight: _came, ...rest } = state;
  const on: StageState = { ...rest, shown: { kind: "screen", screen } };
  if (state.wanted.kind === "content") return on;
  const { error: _cured, ...cured } = on;
  return cured;
}

/** Our page did not come. Behind content that is waited for the next attempt shows it again; alone it is tried again soon. */
function screenFailed(state: StageState, error: Issue, left: Shown, around: StageSurroundings): StageStep {
  const { screenInFlight: _failed, ...rest } = state;
  const next: StageState = { ...rest, shown: left };
  if (state.wanted.kind === "content" || state.work.kind !== "idle") return only(next);
  const ticket = state.lastTicket + 1;
  const work: Work = { kind: "waiting", ticket, attempt: 0, error, ignoreCache: false };
  return { state: { ...next, work, lastTicket: ticket, error }, effects: [{ kind: "wait", ticket, delayMs: retryDelayMs(PROBE_RETRY, 0, around.random) }] };
}

/** The browser is told something else, or told us the outcome. */
function landed(state: StageState): StageState {
  const { inFlight: _landed, ...rest } = state;
  return rest;
}

/** Nothing is on its way any more. */
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
    // The page tried to load itself anew and could not: its own timer is spent, so we do it when the origin is back.
    if (shown.kind !== "content" || work.kind !== "idle") return only({ ...state, shown: left });
    return waitAndSay({ ...state, shown: left }, 0, event.error, false, around);
  }
  if (state.screenInFlight?.load === event.load) return screenFailed(state, event.error, left, around);
  if (state.inFlight?.load !== event.load) return only(state);
  // A page of ours that was on its way was given up for this load.
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
  // The first time the content is back before the browser's own page about it can be read.
  if (crashes === 1) return { state: next, effects: [{ kind: "wait", ticket, delayMs: 0 }] };
  const delayMs = crashes <= CRASHES_MAX ? retryDelayMs(CRASH_RETRY, crashes - 2, around.random) : retryDelayMs(SLOW_RETRY, 0, around.random);
  const fault = showScreen(next, { kind: "fault", code: error.code, message: error.message }, work);
  return { state: fault.state, effects: [...fault.effects, { kind: "wait", ticket, delayMs }] };
}

/** Whether there is a renderer whose frames are missed: not without a browser, and not after one died. */
export function canFreeze({ work }: StageState): boolean {
  return work.kind !== "no-shell" && work.kind !== "cooling";
}

/** Whether the same picture is on, however often it was loaded; a document that goes on arriving is the same. */
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
  const { kind, deviceId, status, code, claimUrl } = scene;
  return { kind, deviceId, status, ...(code === undefined ? {} : { code }), ...(claimUrl === undefined ? {} : { claimUrl }) };
}

/** A network that is away is "offline"; everything else is a fault somebody has to mend. */
function screenForError(error: Issue): ScreenModel {
  // Anybody in the shop reads it.
  const message = redactText(error.message);
  return error.code.startsWith("net.") ? { kind: "offline", message } : { kind: "fault", code: error.code, message };
}

/** Grants and allowed origins count: a page that gets another grant has to start again with it. */
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
