import type { ScreenReport, Verdict } from "../../protocol/reported.ts";
import type { Alarms } from "../health/alarms.ts";
import type { PlayerLink, PlayerStatus } from "../player/player-port.ts";
import type { Reporter } from "../state/reporter.ts";
import { runAll } from "../state/run-all.ts";
import type { SharedReading } from "../state/shared-reading.ts";
import { untilAborted } from "../state/until-aborted.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { DisplayCapabilities } from "../../../platform/ports/display.ts";
import type { DisplayStatus } from "../../../platform/ports/display-properties.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Output, Outputs } from "../../../platform/ports/outputs.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { sleep, TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import type { ScreenExpectation } from "./screen-expectation.ts";
import { judgeScreen, type DisplayWitness, type ScreenJudgement, type ScreenWitnesses } from "./screen-verdict.ts";
import type { Code } from "../../../platform/ports/codes.ts";

export interface ScreenWatchDeps {
  readonly player: PlayerLink;
  readonly outputs: Outputs | undefined;
  /** The displays that show the picture. */
  readonly displays: readonly WatchedDisplay[];
  readonly expectation: () => ScreenExpectation;
  /** The cloud wants content on this device. */
  readonly contentWanted: () => boolean;
  /** Wanted content that could not be prepared, such as a refused package; the player host never learns of it. */
  readonly notReady: () => NotShown | undefined;
  readonly reporter: Reporter;
  readonly alarms: Alarms;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

export interface WatchedDisplay {
  readonly name: string;
  readonly status: SharedReading<DisplayStatus>;
  readonly capabilities: Pick<DisplayCapabilities, "powerObservedBy" | "ownInput">;
  /** What is expected of this display; while it differs from the screen's, the display is no witness. Absent: the same. */
  readonly expectation?: () => ScreenExpectation;
}

/** Wanted content that is not on screen. */
export interface NotShown {
  /** Its display name. */
  readonly content: string;
  /** Code and message. */
  readonly error: string;
}

/** Interval at which witnesses are queried when there is no event. */
export const LOOK_MS = 15_000;
/** A changed power state is read again after this time. */
const CONFIRM_MS = LOOK_MS / 2 + 500;
/** A bad picture raises an alarm after this time. A frozen one does so at once: the player has already confirmed it twice. */
export const ALARM_AFTER_MS = 10_000;
/** For this long, `unknown` and our own pages may be a picture recovering; after that they are the fault. */
export const PASSING_MS = 30_000;
/** Time before the alarm: a display takes time to go dark, and is switched off again when it does not. */
export const LIT_ALARM_AFTER_MS = 30_000;
/** Time for the player's first picture after the start. It is reported at once, but raises no alarm until then. */
export const START_GRACE_MS = 30_000;
/** A display's status older than this is no longer used. */
const DISPLAY_AGE_MAX_MS = 60_000;
const OUTPUTS_DEADLINE_MS = 5_000;
/** The wall time of "since" is corrected when it is off by more than this. */
const SINCE_TOLERANCE_MS = 5_000;

type BadVerdict = Exclude<Verdict, "showing" | "dark-expected">;
/** The alarm for each bad verdict. */
const ALARMS: Readonly<Record<BadVerdict, { readonly code: Code; readonly message: string }>> = {
  dark: { code: "screen.dark", message: "the screen is dark although it should be on" },
  frozen: { code: "screen.frozen", message: "the picture is frozen" },
  "error-page": { code: "screen.error-page", message: "the screen shows an error page" },
  blank: { code: "screen.blank", message: "the screen shows an empty page" },
  unknown: { code: "screen.unknown", message: "it is unknown what is on the screen" },
};
const LIT_CODE = "screen.lit-unexpectedly";
const LOOP_CODE = "player.reload-loop";
/** Older content shown instead of the wanted content raises an alarm after this time. */
export const MISSING_ALARM_AFTER_MS = 60_000;
const MISSING_CODE = "content.not-shown";

/**
 * Maintains the verdict on the screen: judged on every event and every 15 s, reported as soon as it changes, with an
 * alarm when it stays bad. A slow display never delays the player's reports; its last answer is used in the meantime.
 */
export class ScreenWatch {
  readonly #deps: ScreenWatchDeps;
  readonly #wake = new Wake();
  readonly #startedMs: number;
  #outputs: readonly Output[] | undefined;
  /** The last status of each display. */
  readonly #said = new Map<WatchedDisplay, { readonly value: DisplayStatus; readonly atMs: number; readonly once: boolean }>();
  #report: ScreenReport | undefined;
  #reportKey = "";
  #verdictSinceMs = 0;
  #bad: BadStretch | undefined;
  #litSinceMs: number | undefined;
  #missingSinceMs: number | undefined;

  constructor(deps: ScreenWatchDeps) {
    this.#deps = deps;
    this.#startedMs = deps.clock.monotonicMs();
  }

  /** The verdict as last reported; `undefined` before the first judgement. */
  current(): ScreenReport | undefined {
    return this.#report;
  }

  /** What should be on the screen may have changed: judge now. */
  poke(): void {
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { player, outputs, displays } = this.#deps;
    const undo = [
      player.onStatus(() => this.#wake.ring()),
      ...(outputs === undefined ? [] : [outputs.onChange(() => this.#outputsChanged.ring())]),
      ...displays.map((display) => display.status.onNews(() => this.#displayNews(display))),
    ];
    try {
      await runAll(signal, [(stop) => this.#judgeLoop(stop), (stop) => this.#outputsLoop(stop), ...displays.map((display) => (stop: AbortSignal) => this.#displayLoop(display, stop))]);
    } finally {
      for (const off of undo) off();
    }
  }

  readonly #outputsChanged = new Wake();
  readonly #askDisplay = new Map<WatchedDisplay, Wake>();

  #displayNews(display: WatchedDisplay): void {
    const latest = display.status.latest();
    if (latest === undefined) this.#askDisplay.get(display)?.ring();
    else {
      const before = this.#said.get(display);
      const once = before === undefined || !samePower(before.value, latest.value) || (before.once && before.atMs === latest.atMs);
      this.#said.set(display, { ...latest, once });
      this.#wake.ring();
    }
  }

  async #judgeLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const againMs = this.#judge();
      await this.#wake.wait(this.#deps.timers, "screen.judge", againMs, signal);
    }
  }

  async #outputsLoop(signal: AbortSignal): Promise<void> {
    const { outputs, timers, log } = this.#deps;
    while (!signal.aborted) {
      if (outputs !== undefined) {
        try {
          this.#outputs = await withDeadline(timers, "screen.outputs", OUTPUTS_DEADLINE_MS, outputs.list());
        } catch (thrown) {
          if (!(thrown instanceof TimeoutError)) throw thrown;
          // Without an answer the outputs are unknown; the old values no longer count.
          this.#outputs = [];
          log.warn({}, "the outputs do not answer");
        }
        this.#wake.ring();
      }
      await this.#outputsChanged.wait(timers, "screen.outputs-again", outputs === undefined ? 3_600_000 : LOOK_MS, signal);
    }
  }

  async #displayLoop(display: WatchedDisplay, signal: AbortSignal): Promise<void> {
    const { timers } = this.#deps;
    const ask = new Wake();
    this.#askDisplay.set(display, ask);
    while (!signal.aborted) {
      // The result arrives through `onNews`, like that of every reading.
      await untilAborted(display.status.get(LOOK_MS / 2), signal);
      // One reading is a hint, so a change is confirmed before an alarm is due.
      const againMs = this.#said.get(display)?.once === true ? CONFIRM_MS : LOOK_MS;
      await ask.wait(timers, "screen.display-again", againMs, signal);
      // A status that was just invalidated is still changing; wait briefly.
      await sleep(timers, "screen.display-settle", 250, signal);
    }
  }

  /** Judges, reports, and returns when to judge again. */
  #judge(): number {
    const { clock, reporter, log } = this.#deps;
    const nowMs = clock.monotonicMs();
    const judgement = judgeScreen(this.#witnesses(nowMs));
    const before = this.#report;
    if (before?.verdict !== judgement.verdict) {
      this.#verdictSinceMs = nowMs;
      log.info({ verdict: judgement.verdict, before: before?.verdict, confidence: judgement.confidence }, "the screen verdict changed");
    }
    const report = this.#reportOf(judgement, nowMs);
    if (report !== before) {
      this.#report = report;
      reporter.set("screen", report);
    }
    return Math.min(LOOK_MS, this.#alarm(judgement, nowMs));
  }

  #witnesses(nowMs: number): ScreenWitnesses {
    const { player, displays, contentWanted } = this.#deps;
    const expectation = this.#deps.expectation();
    const status = player.status();
    const missing = this.#missing(status);
    return {
      expectation,
      player: status.kind === "absent" ? { kind: "absent", why: status.why } : {
        kind: "present",
        picture: status.picture,
        silentMs: nowMs - status.heardMs,
        loaded: status.stage.kind === "playing",
        ...(missing !== undefined && { missing: `${missing.content} is wanted but is not on screen: ${missing.error}` }),
        ...(status.stage.kind === "screen" && { ownScreen: { name: status.stage.screen, insteadOfContent: contentWanted() } }),
      },
      ...(this.#outputs === undefined ? {} : { outputs: this.#outputs }),
      displays: displays.filter((each) => (each.expectation?.() ?? expectation).expect === expectation.expect).map((each) => this.#displayWitness(each, nowMs)),
    };
  }

  #displayWitness(display: WatchedDisplay, nowMs: number): DisplayWitness {
    const { name, capabilities: { powerObservedBy, ownInput } } = display;
    const said = this.#said.get(display);
    const power = said === undefined || nowMs - said.atMs > DISPLAY_AGE_MAX_MS ? ({ kind: "unknown", why: "it has not been queried yet, or has not answered for a minute" } as const) : said.value.power;
    return { name, power, observedBy: powerObservedBy, ...(said?.once === true && { once: true }), ...(said !== undefined && ownInput !== undefined && { input: said.value.input, ownInput }) };
  }

  /** The report; the same object while nothing relevant changed. A change in the player's wording alone does not count. */
  #reportOf(judgement: ScreenJudgement, nowMs: number): ScreenReport {
    const { clock } = this.#deps;
    const own = judgement.evidence.filter(({ witness }) => !witness.startsWith("player."));
    const others = judgement.evidence.filter(({ witness }) => witness.startsWith("player.")).map(({ witness }) => witness);
    const key = JSON.stringify([judgement.verdict, judgement.confidence, own, others]);
    const sinceMs = Math.max(0, Math.round(clock.wallMs() - (nowMs - this.#verdictSinceMs)));
    const before = this.#report;
    if (before !== undefined && key === this.#reportKey && Math.abs(before.sinceMs - sinceMs) <= SINCE_TOLERANCE_MS) return before;
    this.#reportKey = key;
    const { verdict, confidence, evidence } = judgement;
    const kept = before?.verdict === verdict && Math.abs(before.sinceMs - sinceMs) <= SINCE_TOLERANCE_MS ? before.sinceMs : sinceMs;
    return { verdict, confidence, sinceMs: kept, evidence: [...evidence] };
  }

  /** Raises and clears alarms. Returns the time in ms until the next one may be due. */
  #alarm(judgement: ScreenJudgement, nowMs: number): number {
    const { alarms, player } = this.#deps;
    const { verdict, evidence, litUnexpectedly, confidence } = judgement;
    const facts: JsonObject = { confidence, evidence: evidence.map(({ witness, says }) => ({ witness, says })) };
    let dueMs = this.#alarmPicture(judgement, facts, nowMs);
    this.#litSinceMs = litUnexpectedly ? (this.#litSinceMs ?? nowMs) : undefined;
    if (this.#litSinceMs === undefined) alarms.clear(LIT_CODE, "the screen is no longer lit against the schedule");
    else if (nowMs >= this.#litSinceMs + LIT_ALARM_AFTER_MS) alarms.raise(LIT_CODE, "warning", "the screen is lit although it should be dark", facts);
    else dueMs = Math.min(dueMs, this.#litSinceMs + LIT_ALARM_AFTER_MS - nowMs);
    const status = player.status();
    if (status.kind === "present" && status.stage.kind === "playing" && status.stage.looping === true) {
      alarms.raise(LOOP_CODE, "warning", "the page keeps reloading itself", { content: status.stage.content });
    } else if (verdict !== "unknown") alarms.clear(LOOP_CODE, "the page no longer reloads itself");
    return Math.min(dueMs, this.#alarmMissing(status, verdict, nowMs));
  }

  #missing(status: PlayerStatus): NotShown | undefined {
    return this.#deps.notReady() ?? (status.kind === "present" && status.stage.kind === "failed" ? status.stage : undefined);
  }

  /** The alarm for missing content. A bad picture has its own alarm, with the missing content in its evidence. */
  #alarmMissing(status: PlayerStatus, verdict: Verdict, nowMs: number): number {
    const missing = status.kind === "present" && verdict === "showing" ? this.#missing(status) : undefined;
    this.#missingSinceMs = missing === undefined ? undefined : (this.#missingSinceMs ?? nowMs);
    if (missing === undefined || this.#missingSinceMs === undefined) {
      if (verdict !== "unknown") this.#deps.alarms.clear(MISSING_CODE, "the wanted content is on, or another fault is reported");
      return LOOK_MS;
    }
    const dueMs = this.#missingSinceMs + MISSING_ALARM_AFTER_MS - nowMs;
    if (dueMs > 0) return dueMs;
    this.#deps.alarms.raise(MISSING_CODE, "warning", "the screen shows other content than is wanted", { content: missing.content, error: missing.error });
    return LOOK_MS;
  }

  /**
   * The picture alarm is named after the fault and stays until the picture is good or has another known fault. While it
   * recovers the verdict is briefly `unknown`, which is no new fault.
   */
  #alarmPicture({ verdict, alone, hint }: ScreenJudgement, facts: JsonObject, nowMs: number): number {
    const { alarms } = this.#deps;
    // A screen that should be dark but is lit has its own alarm; it is not a picture fault.
    // A device without assigned content shows its pairing code and waits; that is reported, but is no fault.
    const waiting = verdict === "error-page" && !this.#deps.contentWanted();
    const counts = !waiting && this.#deps.expectation().expect !== "off";
    const bad = counts && isBad(verdict) ? nextStretch(this.#bad, verdict, nowMs) : undefined;
    this.#bad = bad;
    if (bad === undefined) {
      this.#clearOthers(undefined, verdict);
      return LOOK_MS;
    }
    const atMs = bad.word === "frozen" ? nowMs : Math.max(bad.sinceMs + ALARM_AFTER_MS, this.#startedMs + START_GRACE_MS);
    if (nowMs < atMs) return atMs - nowMs;
    if (hint === true) return LOOK_MS;
    this.#clearOthers(bad.word, bad.word);
    const { code, message } = ALARMS[bad.word];
    alarms.raise(code, alone === true ? "warning" : "critical", message, facts);
    // After a while, `unknown` becomes the fault.
    const unknownAtMs = verdict === "unknown" && bad.word !== "unknown" ? bad.verdictSinceMs + PASSING_MS : Number.POSITIVE_INFINITY;
    return Math.max(1, unknownAtMs - nowMs);
  }

  #clearOthers(kept: Verdict | undefined, now: Verdict): void {
    for (const [other, { code }] of Object.entries(ALARMS)) {
      if (other !== kept) this.#deps.alarms.clear(code, `the screen is ${now} now`);
    }
  }
}

/** A period without a good picture. */
interface BadStretch {
  readonly sinceMs: number;
  /** The last known fault. */
  readonly word: BadVerdict;
  readonly verdict: BadVerdict;
  readonly verdictSinceMs: number;
}

/** Pure. `unknown` and our own page replace a known fault only after `PASSING_MS`: both may be a picture recovering. */
function nextStretch(before: BadStretch | undefined, verdict: BadVerdict, nowMs: number): BadStretch {
  if (before === undefined) return { sinceMs: nowMs, word: verdict, verdict, verdictSinceMs: nowMs };
  const verdictSinceMs = before.verdict === verdict ? before.verdictSinceMs : nowMs;
  const passing = (verdict === "unknown" || verdict === "error-page") && nowMs - verdictSinceMs < PASSING_MS;
  return { sinceMs: before.sinceMs, word: passing && before.word !== "unknown" ? before.word : verdict, verdict, verdictSinceMs };
}

function samePower({ power: a }: DisplayStatus, { power: b }: DisplayStatus): boolean {
  return a.kind === "ok" && b.kind === "ok" ? (a.value === "on") === (b.value === "on") : a.kind === b.kind;
}

function isBad(verdict: Verdict): verdict is BadVerdict {
  return Object.hasOwn(ALARMS, verdict);
}
