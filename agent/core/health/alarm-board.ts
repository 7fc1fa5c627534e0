import type { Alarm } from "../../protocol/records.ts";
import type { EventSink } from "../outbox/event-sink.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import { readDocument } from "../storage/read-document.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Code } from "../../../platform/ports/codes.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { redact } from "../../../platform/runtime/redact.ts";
import { alarmRule, type AlarmRules } from "./alarm-rules.ts";
import type { Alarms } from "./alarms.ts";
import { foreignCode } from "../../../platform/ports/result.ts";

export interface AlarmBoardDeps {
  readonly store: DocumentStore;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Default: `ALARM_RULES`. */
  readonly rules?: AlarmRules;
}

/** Most conditions at one time. Codes come from the agent itself, so more than this is a bug; counted and logged. */
export const CONDITIONS_MAX = 256;
/** A condition raised this often within the window flaps: its end is reported only after `FLAP_QUIET_MS`. */
export const FLAP_RAISES = 4;
export const FLAP_WINDOW_MS = 10 * 60_000;
export const FLAP_QUIET_MS = 5 * 60_000;
/** A condition from before a restart is cleared unless it is raised again within this time. */
export const CONFIRM_WITHIN_MS = 10 * 60_000;
/** A reported occurrence (see `happened`) is cleared after this time; another occurrence restarts the time. */
export const HAPPENED_OPEN_MS = 10 * 60_000;
/** Retry delay after the outbox refused a record. */
const AGAIN_MS = 30_000;
const IDLE_MS = 3_600_000;
const KEY = "alarms.open";
/** In ascending order. */
const SEVERITIES: readonly Alarm["severity"][] = ["info", "warning", "error", "critical"];
const EVIDENCE_CHARACTERS_MAX = 8_000;
const MESSAGE_CHARACTERS_MAX = 1_000;
/** Longest stored message. Short, so that all conditions fit into one stored document in any script. */
const STORED_CHARACTERS_MAX = 200;

/** What one occurrence, or several merged, say in their record. */
interface Occurrence {
  readonly message: string;
  readonly evidence: JsonObject | undefined;
}

/** One object per code for as long as the code is known, so that what an append finds out is never written to an outdated copy. */
interface Condition {
  readonly code: Code;
  on: boolean;
  /** The highest since it began. */
  severity: Alarm["severity"];
  message: string;
  evidence: JsonObject | undefined;
  /** Wall time when it began. */
  sinceMs: number;
  /** Monotonic time of the last change between on and off. */
  changedMs: number;
  /** The severity the cloud has it raised with; `undefined`: for the cloud it is not raised. A record being appended counts. */
  told: Alarm["severity"] | undefined;
  /** Occurrences not reported yet. */
  occurrence: Occurrence | undefined;
  /** Monotonic time at which it is cleared unless raised again: for conditions from before a restart and reported occurrences. */
  confirmByMs: number | undefined;
  /** Monotonic times of the latest raises, at most `FLAP_RAISES`. */
  raises: number[];
  /** An occurrence, not a state: cleared by time alone, once it is reported. */
  happened: boolean;
}

/**
 * Conditions that are on or off, reported to the cloud when they begin and end. Level-triggered: the current state is
 * compared with the reported one, so a record that the outbox refused is offered again, and a condition that came and went
 * in between is not reported. Flapping is damped, consequences of another alarm are held back, and open conditions survive
 * a restart.
 */
export class AlarmBoard implements Alarms {
  readonly #deps: AlarmBoardDeps;
  readonly #conditions = new Map<string, Condition>();
  readonly #wake = new Wake();
  #refused = 0;

  private constructor(deps: AlarmBoardDeps) {
    this.#deps = deps;
  }

  static async load(deps: AlarmBoardDeps): Promise<AlarmBoard> {
    const board = new AlarmBoard(deps);
    for (const [code, stored] of Object.entries((await readDocument(deps.store, KEY, deps.log)) ?? {}).slice(0, CONDITIONS_MAX)) {
      const condition = conditionOf(code, stored, deps.clock.monotonicMs());
      if (condition !== undefined) board.#conditions.set(code, condition);
    }
    return board;
  }

  /** Raises refused because there were too many conditions. */
  refused(): number {
    return this.#refused;
  }

  raise(code: Code, severity: Alarm["severity"], message: string, evidence?: JsonObject): void {
    const known = this.#conditions.get(code);
    if (known?.on === true) this.#follow(known, severity, message, evidence);
    else this.#begin(code, severity, message, evidence);
  }

  /** Turns a condition on. `undefined`: there are too many. */
  #begin(code: Code, severity: Alarm["severity"], message: string, evidence: JsonObject | undefined): Condition | undefined {
    const { clock, log } = this.#deps;
    const nowMs = clock.monotonicMs();
    let condition = this.#conditions.get(code);
    if (condition === undefined && this.#conditions.size >= CONDITIONS_MAX) {
      this.#refused += 1;
      log.error({ code, conditions: this.#conditions.size }, "too many alarm conditions");
      return undefined;
    }
    const raises = [...(condition?.raises ?? []).filter((atMs) => nowMs - atMs < FLAP_WINDOW_MS), nowMs].slice(-FLAP_RAISES);
    const fresh = { on: true, severity, message, evidence: bounded(evidence), changedMs: nowMs, confirmByMs: undefined, raises, happened: false };
    if (condition === undefined) {
      condition = { code, ...fresh, sinceMs: clock.wallMs(), told: undefined, occurrence: undefined };
      this.#conditions.set(code, condition);
    } else if (condition.told === undefined) Object.assign(condition, fresh, { sinceMs: clock.wallMs() });
    // Its end was never reported, so for the cloud it has lasted since then.
    else Object.assign(condition, fresh, { severity: graver(condition.told, severity) });
    this.#wake.ring();
    return condition;
  }

  /** Updates a condition that is already on. Reported again only when its severity rises, so at most once per severity. */
  #follow(known: Condition, severity: Alarm["severity"], message: string, evidence: JsonObject | undefined): void {
    known.confirmByMs = undefined;
    known.happened = false;
    const rises = graver(known.severity, severity) !== known.severity;
    if (message === known.message && known.told !== undefined && !rises) return;
    Object.assign(known, { severity: graver(known.severity, severity), message, evidence: bounded(evidence) });
    if (rises) this.#wake.ring();
  }

  /**
   * Reports an occurrence, not a state: every one is reported, even while the condition is raised. Those not reported yet
   * are merged into one record. Unless it is raised as a state too, it is cleared by time alone, `HAPPENED_OPEN_MS` after it
   * was reported.
   */
  happened(code: Code, severity: Alarm["severity"], message: string, evidence?: JsonObject): void {
    const known = this.#conditions.get(code);
    // A state that is not reported yet shares the record.
    const unreported = known?.occurrence ?? (known?.on === true && known.told === undefined ? known : undefined);
    const occurrence = merged(unreported, { message, evidence: bounded(evidence) });
    const state = known?.on === true && !known.happened && known.confirmByMs === undefined;
    const condition = known?.on === true ? known : this.#begin(code, severity, message, evidence);
    if (condition === undefined) return;
    Object.assign(condition, { ...occurrence, occurrence, severity: graver(condition.severity, severity), changedMs: this.#deps.clock.monotonicMs(), confirmByMs: undefined, happened: !state });
    this.#wake.ring();
  }

  clear(code: Code, message: string): void {
    const condition = this.#conditions.get(code);
    if (condition?.on !== true) return;
    condition.on = false;
    condition.message = message;
    condition.confirmByMs = undefined;
    condition.changedMs = this.#deps.clock.monotonicMs();
    this.#wake.ring();
  }

  active(): ReadonlyMap<string, { readonly severity: Alarm["severity"]; readonly message: string; readonly sinceMs: number }> {
    const nowMs = this.#deps.clock.monotonicMs();
    const active = new Map<string, { severity: Alarm["severity"]; message: string; sinceMs: number }>();
    for (const condition of this.#conditions.values()) {
      const { code, severity, message, sinceMs } = condition;
      if (this.#shouldBeTold(condition, nowMs)) active.set(code, { severity, message, sinceMs });
    }
    return active;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timers } = this.#deps;
    while (!signal.aborted) {
      const nextMs = await this.#tell();
      await this.#wake.wait(timers, "alarms.next", Math.max(1, nextMs - clock.monotonicMs()), signal);
    }
  }

  /** Reports pending changes. Returns the monotonic time of the next check. */
  async #tell(): Promise<number> {
    const { clock } = this.#deps;
    let nextMs = clock.monotonicMs() + IDLE_MS;
    let changed = false;
    for (const condition of [...this.#conditions.values()]) {
      const nowMs = clock.monotonicMs();
      if (condition.confirmByMs !== undefined && nowMs >= condition.confirmByMs) this.clear(condition.code, condition.happened ? "it has not happened again" : "not seen again since the agent was restarted");
      const raised = this.#shouldBeTold(condition, nowMs);
      if (raised ? isTold(condition) : condition.told === undefined) {
        nextMs = Math.min(nextMs, this.#nextChangeMs(condition, nowMs));
        if (!condition.on && !raised && condition.occurrence === undefined && nowMs - condition.changedMs >= FLAP_WINDOW_MS) this.#conditions.delete(condition.code);
        continue;
      }
      if (await this.#report(condition, raised)) {
        changed = true;
        nextMs = Math.min(nextMs, clock.monotonicMs() + 1);
      } else nextMs = Math.min(nextMs, nowMs + AGAIN_MS);
    }
    if (changed) await this.#save();
    return nextMs;
  }

  /**
   * Reports a beginning or an end. The condition may change while the record is appended, so it counts as told from the
   * start, and a refusal takes back only that.
   */
  async #report(condition: Condition, raised: boolean): Promise<boolean> {
    const { told, sinceMs, occurrence } = condition;
    const appended = this.#append(condition, raised);
    condition.told = raised ? condition.severity : undefined;
    if (raised) condition.occurrence = undefined;
    if (await appended) {
      if (raised && condition.on && condition.happened && condition.occurrence === undefined) condition.confirmByMs = this.#deps.clock.monotonicMs() + HAPPENED_OPEN_MS;
      return true;
    }
    condition.told = told;
    if (told !== undefined) Object.assign(condition, { sinceMs, severity: graver(told, condition.severity) });
    if (occurrence !== undefined) condition.occurrence = condition.occurrence === undefined ? occurrence : merged(occurrence, condition.occurrence);
    return false;
  }

  #shouldBeTold(condition: Condition, nowMs: number): boolean {
    const rule = alarmRule(condition.code, this.#deps.rules);
    // An occurrence is reported even if the condition ended before it could be.
    if (!condition.on && condition.occurrence === undefined) return condition.told !== undefined && nowMs < condition.changedMs + quietMs(condition);
    if (condition.told !== undefined) return true;
    if (nowMs < condition.changedMs + (rule.visibleAfterMs ?? 0)) return false;
    return !(rule.dependsOn ?? []).some((cause) => this.#conditions.get(cause)?.on === true);
  }

  /** Monotonic time at which time alone may change what to report of a condition; infinity: never. */
  #nextChangeMs(condition: Condition, nowMs: number): number {
    const rule = alarmRule(condition.code, this.#deps.rules);
    const times = [
      condition.on || condition.occurrence !== undefined ? condition.changedMs + (rule.visibleAfterMs ?? 0) : condition.changedMs + quietMs(condition),
      condition.confirmByMs ?? Number.POSITIVE_INFINITY,
      condition.on || condition.told !== undefined ? Number.POSITIVE_INFINITY : condition.changedMs + FLAP_WINDOW_MS,
    ];
    return Math.min(...times.filter((atMs) => atMs > nowMs), Number.POSITIVE_INFINITY);
  }

  async #append(condition: Condition, raised: boolean): Promise<boolean> {
    const { code, severity } = condition;
    const { message, evidence } = (raised ? condition.occurrence : undefined) ?? condition;
    const body: JsonObject = {
      code,
      state: raised ? "raised" : "cleared",
      severity,
      message: message.slice(0, MESSAGE_CHARACTERS_MAX),
      ...(raised && evidence !== undefined ? { evidence } : {}),
    };
    const stored = await this.#deps.sink.append({ stream: "alarm", kind: "alarm", body: redact(body) as JsonObject, source: "alarms" });
    if (!stored.ok) this.#deps.log.warn({ code, error: stored.error }, "an alarm could not be queued; retrying");
    else if (raised) this.#deps.log.warn({ code, severity, message }, "alarm");
    else this.#deps.log.info({ code, message }, "alarm cleared");
    return stored.ok;
  }

  async #save(): Promise<void> {
    const open = [...this.#conditions.values()].filter(({ told }) => told !== undefined);
    const put = await this.#deps.store.put({ [KEY]: Object.fromEntries(open.map(({ code, severity, message, sinceMs }) => [code, { severity, message: message.slice(0, STORED_CHARACTERS_MAX), sinceMs }])) });
    // The only consequence: after a restart an open alarm may be raised a second time.
    if (!put.ok) this.#deps.log.warn({ code: put.error.code }, "the open alarms could not be stored on disk");
  }
}

function graver(one: Alarm["severity"], other: Alarm["severity"]): Alarm["severity"] {
  return SEVERITIES.indexOf(other) > SEVERITIES.indexOf(one) ? other : one;
}

/** Whether the cloud knows all of a condition that is to be raised. */
function isTold({ told, severity, occurrence }: Condition): boolean {
  return told !== undefined && graver(told, severity) === told && occurrence === undefined;
}

/** Both in one record. The same message again is not repeated. */
function merged(earlier: Occurrence | undefined, later: Occurrence): Occurrence {
  if (earlier === undefined || earlier.message === later.message) return later;
  return { message: `${earlier.message}; ${later.message}`.slice(0, MESSAGE_CHARACTERS_MAX), evidence: bounded(together(earlier.evidence, later.evidence)) };
}

/** Evidence of merged occurrences: the newest, earlier ones in `before`, and in `omitted` how many of the oldest did not fit. */
function together(known: JsonObject | undefined, evidence: JsonObject | undefined): JsonObject | undefined {
  if (known === undefined) return evidence;
  const older = parted(known);
  const newer = parted(evidence ?? {});
  const earlier = [...older.before, older.last, ...newer.before];
  const omitted = older.omitted + newer.omitted;
  for (let gone = 0; gone < earlier.length; gone += 1) {
    const count = omitted + gone;
    const whole = { ...newer.last, before: earlier.slice(gone), ...(count > 0 && { omitted: count }) };
    if (fits(whole)) return whole;
  }
  return { ...newer.last, omitted: omitted + earlier.length };
}

function parted({ before, omitted, ...last }: JsonObject): { readonly last: JsonObject; readonly before: readonly Json[]; readonly omitted: number } {
  return { last, before: Array.isArray(before) ? (before as readonly Json[]) : [], omitted: typeof omitted === "number" ? omitted : 0 };
}

function quietMs(condition: Condition): number {
  return condition.raises.length >= FLAP_RAISES ? FLAP_QUIET_MS : 0;
}

function bounded(evidence: JsonObject | undefined): JsonObject | undefined {
  if (evidence === undefined) return undefined;
  return fits(evidence) ? evidence : { note: "the evidence was too large to keep" };
}

function fits(evidence: JsonObject): boolean {
  return JSON.stringify(evidence).length <= EVIDENCE_CHARACTERS_MAX;
}

function conditionOf(code: string, stored: Json, nowMs: number): Condition | undefined {
  if (!isJsonObject(stored)) return undefined;
  const { severity, message, sinceMs } = stored;
  if (severity !== "info" && severity !== "warning" && severity !== "error" && severity !== "critical") return undefined;
  if (typeof message !== "string" || typeof sinceMs !== "number") return undefined;
  return {
    code: foreignCode(code),
    on: true,
    severity,
    message,
    evidence: undefined,
    sinceMs,
    changedMs: nowMs,
    told: severity,
    occurrence: undefined,
    confirmByMs: nowMs + CONFIRM_WITHIN_MS,
    raises: [],
    happened: false,
  };
}
