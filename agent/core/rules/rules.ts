import type { Rule, Rules } from "../../protocol/rules.ts";
import type { Schedule } from "../../protocol/schedule.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { seen, unknown, type Reading } from "../../../platform/ports/reading.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import { crc32 } from "../../../platform/runtime/crc32.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import { canonicalJson, isJsonObject, sameJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { EventSink } from "../outbox/event-sink.ts";
import type { TvWatch } from "../screen/tv-watch.ts";
import type { KeyOutcome } from "../state/desired-key.ts";
import type { Reporter } from "../state/reporter.ts";
import type { RuledDisplay } from "../state/rule-claims.ts";
import { runAll } from "../state/run-all.ts";
import { readDocument } from "../storage/read-document.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import { checkLines, checkRules, type RuleFacts, type RuleRefusal } from "./rule-check.ts";
import { RuleEffects, type RuleEffectsDeps } from "./rule-effects.ts";
import { RuleInputs } from "./rule-inputs.ts";
import type { RuleLines } from "./rule-lines.ts";
import { freshRule, stepRule, type RuleAct, type RuleEvent, type RuleMemory, type RuleSettings, type Side } from "./rule-state.ts";
import { RuleWindows, type RuleWindowsDeps } from "./rule-windows.ts";

export interface LocalRulesDeps extends RuleEffectsDeps, Omit<RuleWindowsDeps, "clock"> {
  readonly displays: readonly (RuledDisplay & { readonly canSwitch: boolean })[];
  readonly tv: Pick<TvWatch, "onEvent">;
  /** Whether a bus can be listened to. */
  readonly hearsCec: boolean;
  /** Lines that the configuration watches as inputs. */
  readonly watchedLines: readonly string[];
  readonly documents: DocumentStore;
  readonly sink: EventSink;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

const MEMORY = "rules.memory";
/** Firings an hour of a rule that does not set its own limit. */
const PER_HOUR_POWER = 30;
const PER_HOUR_OTHER = 600;
/** Suppressed firings of one rule are reported at most this often, with their number. */
const SUPPRESSED_EVERY_MS = 60_000;
/** A jump of the wall clock is noticed within this time by rules with windows. */
const WINDOW_LOOK_MS = 30_000;

interface Running {
  readonly rule: Rule;
  readonly settings: RuleSettings;
  /** Checksum of the rule, to tell after a change or a restart whether it is the same one. */
  readonly crc: number;
  memory: RuleMemory;
  dueMs: number | undefined;
  /** Ends the reports of the last firing. */
  firing: AbortController;
  suppressed: number;
  suppressedAtMs: number;
}

/** Why a rule steps, for its record. */
type Cause = JsonObject;

/**
 * Local rules: joins inputs of this device to effects on it, without the cloud. Pure steps (rule-state.ts) between inputs
 * (rule-inputs.ts, rule-windows.ts) and effects (rule-effects.ts). What each rule did last is kept on disk, so that a restart
 * neither fires again nor forgets what is still to come.
 */
export class LocalRules {
  readonly #deps: LocalRulesDeps;
  readonly #effects: RuleEffects;
  readonly #windows: RuleWindows;
  readonly #inputs: RuleInputs;
  readonly #wake = new Wake();
  readonly #changed = new Wake();
  #rules: Rules = { table: [] };
  #applied = false;
  #running: readonly Running[] = [];
  /** What rules did before the start, in the order in which they fired. */
  #kept: ReadonlyMap<string, { readonly crc: number; readonly side: Side }>;

  static async load(deps: LocalRulesDeps): Promise<LocalRules> {
    return new LocalRules(deps, keptIn(await readDocument(deps.documents, MEMORY, deps.log)));
  }

  private constructor(deps: LocalRulesDeps, kept: ReadonlyMap<string, { readonly crc: number; readonly side: Side }>) {
    this.#deps = deps;
    this.#kept = kept;
    this.#effects = new RuleEffects(deps);
    this.#windows = new RuleWindows(deps);
    this.#inputs = new RuleInputs({
      ...deps,
      lineChanged: (line, isEdge) => this.#lineChanged(line, isEdge),
      keyPressed: (key) => this.#keyPressed(key),
    });
  }

  /** The lines of rules, for the commands that drive lines too. */
  get lines(): Pick<RuleLines, "forCommands"> {
    return this.#effects.lines;
  }

  /** What stops rules from working, for the reported health. `bus`: why the HDMI-CEC bus cannot be used, if so. */
  issue(bus: Issue | undefined): Issue | undefined {
    const lost = this.#inputs.issue() ?? this.#effects.lines.issue();
    if (lost !== undefined || bus === undefined) return lost;
    const waits = this.#rules.table.some(({ when }) => when.some(({ kind }) => kind === "cec-key"));
    return waits ? { code: "rules.input-lost", message: `keys of the remote control are not heard: ${bus.message} (${bus.code})` } : undefined;
  }

  /** The clock jumped or became known: windows are judged now. */
  poke(): void {
    this.#wake.ring();
  }

  /** Why the device cannot use these rules, as far as that is known without asking the hardware. */
  refusal(rules: Rules): RuleRefusal | undefined {
    const { gpio, hearsCec, displays } = this.#deps;
    const facts: RuleFacts = { hasGpio: gpio !== undefined, hearsCec, displays, compile: (schedule) => this.#windows.compile(schedule) };
    return checkRules(rules, facts);
  }

  /** Ids of the rules in force. */
  observe(): Reading<Json> {
    return this.#applied ? seen<Json>(this.#rules.table.map(({ id }) => id), this.#deps.clock.monotonicMs()) : unknown("no rules are in force yet");
  }

  isInForce(rules: Rules): boolean {
    return this.#applied && sameJson(this.#rules, rules);
  }

  /** Puts a table in force as a whole, or refuses it as a whole. */
  async apply(rules: Rules): Promise<KeyOutcome> {
    const usesLines = rules.table.some(({ when, do: effects, otherwise = [] }) => [...when, ...effects, ...otherwise].some(({ kind }) => kind === "line"));
    const lines = usesLines ? await this.#deps.gpio?.lines() : undefined;
    // Lines that cannot be listed now cannot be judged: watching them is tried, and tells.
    const refusal = lines?.ok === true ? checkLines(rules, lines.value, this.#deps.watchedLines) : undefined;
    if (refusal !== undefined) {
      this.#replace({ table: [] }, false);
      return refusal;
    }
    this.#replace(rules, true);
    return { kind: "effect", effect: { attempted: true, acknowledged: true, observed: this.observe() } };
  }

  /** The document has no rules any more, or others that are not applied yet. */
  clear(): void {
    if (this.#applied) this.#replace({ table: [] }, false);
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await runAll(signal, [(stop) => this.#step(stop), (stop) => this.#watch(stop)]);
    } finally {
      for (const running of this.#running) running.firing.abort();
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const stop = new AbortController();
      const onAbort = (): void => stop.abort();
      signal.addEventListener("abort", onAbort, { once: true });
      const watching = this.#inputs.watch(this.#rules, stop.signal);
      await this.#changed.wait(this.#deps.timers, "rules.changed", Number.POSITIVE_INFINITY, signal);
      stop.abort();
      await watching;
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const { clock, timers } = this.#deps;
    this.#resumeAll();
    while (!signal.aborted) {
      this.#look();
      const nowMs = clock.monotonicMs();
      const nextInMs = this.#windows.nextInMs();
      const dues = this.#running.flatMap(({ dueMs }) => (dueMs === undefined ? [] : [dueMs - nowMs]));
      if (nextInMs !== undefined || this.#usesWindows()) dues.push(Math.min(WINDOW_LOOK_MS, nextInMs ?? WINDOW_LOOK_MS));
      await this.#wake.wait(timers, "rules.step", dues.length === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.min(...dues)), signal);
    }
  }

  /** Steps what is due, and what a window changed. */
  #look(): void {
    const { isJump, changed } = this.#windows.look();
    const nowMs = this.#deps.clock.monotonicMs();
    let hasStepped = changed;
    for (const running of this.#running) {
      if (changed) this.#windowChanged(running, isJump);
      if (running.dueMs === undefined || running.dueMs > nowMs) continue;
      this.#feed(running, { on: "tick" }, { kind: "quiet", quietMs: running.settings.quietMs });
      hasStepped = true;
    }
    if (hasStepped) this.#report();
  }

  #windowChanged(running: Running, isJump: boolean): void {
    const { during, when } = running.rule;
    const cause: Cause = { kind: "time" };
    if (during !== undefined && this.#windows.isOn(during) !== true) return this.#feed(running, { on: "off" }, cause);
    if (running.memory.phase.kind === "off") return this.#feed(running, { on: "resume", active: this.#isActive(running.rule) }, cause);
    if (when.some(({ kind }) => kind === "time")) this.#feed(running, { on: isJump ? "resume" : "level", active: this.#isActive(running.rule) }, cause);
  }

  #usesWindows(): boolean {
    return this.#rules.table.some((rule) => windowsOf(rule).length > 0);
  }

  #lineChanged(line: string, isEdge: boolean): void {
    const level = this.#inputs.levelOf(line);
    for (const running of this.#running) {
      if (!running.rule.when.some((input) => input.kind === "line" && input.line === line)) continue;
      this.#feed(running, { on: isEdge ? "level" : "resume", active: this.#isActive(running.rule) }, { kind: "line", line, ...(level !== undefined && { level }) });
    }
    this.#report();
  }

  #keyPressed(key: string): void {
    for (const running of this.#running) {
      if (running.rule.when.some((input) => input.kind === "cec-key" && input.key === key)) this.#feed(running, { on: "press" }, { kind: "cec-key", key });
    }
    this.#report();
  }

  /** `undefined`: an input cannot be read, and no other is present. */
  #isActive({ when }: Rule): boolean | undefined {
    const states = when.map((input) => (input.kind === "line" ? this.#inputs.lineActive(input) : input.kind === "time" ? this.#windows.isOn(input) : false));
    return states.includes(true) ? true : states.includes(undefined) ? undefined : false;
  }

  #feed(running: Running, event: RuleEvent, cause: Cause): void {
    // Outside its hours a rule neither starts nor fires.
    const { during } = running.rule;
    if (event.on !== "off" && during !== undefined && this.#windows.isOn(during) !== true) return;
    const { memory, acts, dueMs } = stepRule(running.memory, event, this.#deps.clock.monotonicMs(), running.settings);
    running.memory = memory;
    running.dueMs = dueMs;
    for (const act of acts) this.#perform(running, act, cause);
    this.#wake.ring();
  }

  #perform(running: Running, act: RuleAct, cause: Cause): void {
    const { rule } = running;
    switch (act.do) {
      case "release":
        running.firing.abort();
        for (const key of this.#keysOf(rule)) this.#deps.claims.release(key, rule.id);
        return this.#keep();
      case "restore":
        this.#restore(running, act.side, cause).catch((thrown: unknown) => this.#deps.log.error({ rule: rule.id, error: messageOf(thrown) }, "restoring a rule threw: a bug"));
        return;
      case "suppress":
        running.suppressed += 1;
        return this.#reportSuppressed(running, act.side, cause);
      case "fire":
        running.firing.abort();
        running.firing = new AbortController();
        this.#fire(running, act, cause).catch((thrown: unknown) => this.#deps.log.error({ rule: rule.id, error: messageOf(thrown) }, "a firing rule threw: a bug"));
        return this.#keep(running);
    }
  }

  async #fire(running: Running, { side, resumed }: Extract<RuleAct, { do: "fire" }>, input: Cause): Promise<void> {
    const { rule, firing } = running;
    const effects = rule[side] ?? [];
    const carried = await Promise.all(effects.map((effect) => this.#effects.carryOut(rule.id, effect, this.#rules, resumed, firing.signal)));
    const reports = carried.flatMap((report) => report ?? []);
    const { suppressed } = running;
    running.suppressed = 0;
    this.#event("rule.fired", { rule: rule.id, side, input, ...(resumed && { resumed }), effects: reports.map(({ body }) => body), ...(suppressed > 0 && { suppressedBefore: suppressed }) });
    for (const { body, overriddenBy } of reports) {
      if (overriddenBy !== undefined) this.#event("rule.suppressed", { rule: rule.id, side, input, reason: "overridden", effect: body["kind"] ?? null, ...overriddenBy });
    }
  }

  async #restore({ rule, firing }: Running, side: Side, input: Cause): Promise<void> {
    const restored = await Promise.all((rule[side] ?? []).map((effect) => this.#effects.restore(rule.id, effect, this.#rules, firing.signal)));
    const failed = restored.flatMap((report) => report ?? []);
    if (failed.length > 0) this.#event("rule.not-restored", { rule: rule.id, side, input, effects: failed.map(({ body }) => body) });
  }

  #reportSuppressed(running: Running, side: Side, input: Cause): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - running.suppressedAtMs < SUPPRESSED_EVERY_MS) return;
    running.suppressedAtMs = nowMs;
    this.#event("rule.suppressed", { rule: running.rule.id, side, input, reason: "rate-limit", perHourMax: running.settings.perHourMax, count: running.suppressed });
    running.suppressed = 0;
  }

  #event(name: string, data: JsonObject): void {
    void this.#deps.sink.append({ stream: "event", kind: "rule", source: "rules", body: { name, data } }).then((appended) => {
      if (!appended.ok) this.#deps.log.warn({ ...appended.error, rule: data["rule"] }, "the event of a rule was not stored");
    });
  }

  #replace(rules: Rules, isApplied: boolean): void {
    const before = new Map(this.#running.map((running) => [running.rule.id, running]));
    this.#rules = rules;
    this.#applied = isApplied;
    this.#windows.replace(rules.table.flatMap(windowsOf));
    this.#running = rules.table.map((rule) => {
      const crc = crcOf(rule, rules);
      const known = before.get(rule.id);
      const kept = this.#kept.get(rule.id);
      if (known?.crc === crc) return known;
      return {
        rule, crc, settings: settingsOf(rule), memory: freshRule(kept?.crc === crc ? kept.side : undefined), dueMs: undefined,
        firing: new AbortController(), suppressed: 0, suppressedAtMs: Number.NEGATIVE_INFINITY,
      };
    });
    for (const running of before.values()) if (!this.#running.includes(running)) running.firing.abort();
    // Of a rule that is another one now, nothing stays.
    const unchanged = this.#running.filter((running) => before.get(running.rule.id) === running);
    this.#deps.claims.keepOnly(new Set(unchanged.map(({ rule }) => rule.id)));
    this.#resumeAll();
    this.#changed.ring();
    this.#wake.ring();
    this.#report();
  }

  /** Begins with the state in which the inputs are, in the order in which the rules fired before. */
  #resumeAll(): void {
    const order = [...this.#kept.keys()];
    const starting = this.#running.filter(({ memory }) => memory.phase.kind === "off");
    for (const running of starting.sort((a, b) => order.indexOf(a.rule.id) - order.indexOf(b.rule.id))) {
      this.#feed(running, { on: "resume", active: this.#isActive(running.rule) }, { kind: "start" });
    }
  }

  #keysOf(rule: Rule): readonly string[] {
    return [...rule.do, ...(rule.otherwise ?? [])].flatMap((effect) => this.#effects.keyOf(effect) ?? []);
  }

  /** Keeps on disk what each rule did last; `last` fired just now. */
  #keep(last?: Running): void {
    const kept = new Map(this.#running.flatMap(({ rule, crc, memory: { side } }) => (side === undefined ? [] : [[rule.id, { crc, side }] as const])));
    const order = [...this.#kept.keys(), ...kept.keys()].filter((id) => id !== last?.rule.id);
    const ids = [...new Set([...order, ...(last === undefined ? [] : [last.rule.id])])];
    this.#kept = new Map(ids.flatMap((id) => { const entry = kept.get(id); return entry === undefined ? [] : [[id, entry] as const]; }));
    const entries = [...this.#kept].map(([id, { crc, side }]) => ({ id, crc, side }));
    void this.#deps.documents.put({ [MEMORY]: { rules: entries } }).then((put) => {
      // After a restart the rule starts afresh.
      if (!put.ok) this.#deps.log.warn({ code: put.error.code }, "what rules did last could not be stored on disk");
    });
  }

  #report(): void {
    const states = this.#running.map(({ rule, memory: { phase, side } }) => [rule.id, { state: phase.kind === "quiet" ? "active" : phase.kind, ...(side !== undefined && { inForce: side }) }] as const);
    this.#deps.reporter.set("rules", Object.fromEntries(states));
  }
}

function windowsOf({ when, during }: Rule): readonly Schedule[] {
  return [...(during === undefined ? [] : [during]), ...when.flatMap((input) => (input.kind === "time" ? [input] : []))];
}

function settingsOf({ do: effects, otherwise, quietMs = 0, perHourMax }: Rule): RuleSettings {
  const switches = [...effects, ...(otherwise ?? [])].some(({ kind }) => kind === "display-power");
  return { hasOtherwise: otherwise !== undefined, quietMs, perHourMax: perHourMax ?? (switches ? PER_HOUR_POWER : PER_HOUR_OTHER) };
}

/** Of the rule and of the content it names. */
function crcOf(rule: Rule, { contents }: Rules): number {
  const namesContent = [...rule.do, ...(rule.otherwise ?? [])].some(({ kind }) => kind === "content");
  return crc32(utf8(canonicalJson({ rule, contents: namesContent ? (contents ?? null) : null })));
}

function keptIn(stored: JsonObject | undefined): ReadonlyMap<string, { readonly crc: number; readonly side: Side }> {
  const entries = Array.isArray(stored?.["rules"]) ? stored["rules"] : [];
  return new Map(entries.flatMap((entry) => {
    if (!isJsonObject(entry)) return [];
    const { id, crc, side } = entry;
    return typeof id === "string" && typeof crc === "number" && (side === "do" || side === "otherwise") ? [[id, { crc, side }] as const] : [];
  }));
}
