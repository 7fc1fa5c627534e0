import { AS_DOCUMENT, type RuleEffect, type Rules } from "../../protocol/rules.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { unknown, type Effect } from "../../../platform/ports/reading.ts";
import type { Code } from "../../../platform/ports/codes.ts";
import { sameJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import type { Execution } from "../commands/executor.ts";
import { pageMessageExecutor } from "../commands/executors/player-executors.ts";
import type { PlayerLink } from "../player/player-port.ts";
import type { DesiredState } from "../state/desired-state.ts";
import { ruledKey, type RuleClaims, type RuledDisplay } from "../state/rule-claims.ts";
import { wireReading } from "../state/wire-reading.ts";
import { contextOf, type LineEffect, RuleLines, type RuleLinesDeps } from "./rule-lines.ts";

export interface RuleEffectsDeps extends RuleLinesDeps {
  readonly claims: RuleClaims;
  /** Not called before the first rule is in force. */
  desired(): Pick<DesiredState, "decide" | "onResult" | "onDocument" | "noteByHand" | "endByHand">;
  readonly displays: readonly RuledDisplay[];
  readonly player: PlayerLink;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** What became of one effect: as in a record, and who decided otherwise. */
export interface EffectReport {
  readonly body: JsonObject;
  readonly overriddenBy?: { readonly by: string; readonly why: string };
}

/** What is wanted is tried again for as long as it is wanted; a firing is reported after this time at the latest. */
const RESULT_WITHIN_MS = 120_000;

/** Carries out the effects of rules. Power and content are claims, which the lanes of desired state apply and keep. */
export class RuleEffects {
  /** The lines that rules drive. */
  readonly lines: RuleLines;
  readonly #deps: RuleEffectsDeps;

  constructor(deps: RuleEffectsDeps) {
    this.#deps = deps;
    this.lines = new RuleLines(deps);
  }

  /** See `ruledKey`. */
  keyOf(effect: RuleEffect): string | undefined {
    return ruledKey(effect, this.#deps.displays);
  }

  /**
   * Carries out one effect; claims take effect before the first await. `isResumed`: nothing happened just now, so messages and
   * pulses are left out, and nobody pressed. Resolves to `undefined` for what was left out.
   */
  async carryOut(rule: string, effect: RuleEffect, rules: Rules, isResumed: boolean, signal: AbortSignal): Promise<EffectReport | undefined> {
    switch (effect.kind) {
      case "display-power":
      case "content":
        return this.#want(rule, effect, rules, isResumed, signal);
      case "line":
        return isResumed && effect.pulseMs !== undefined ? undefined : this.#drive(rule, effect, signal);
      case "page-message":
        return isResumed ? undefined : reported(describe(effect), await pageMessageExecutor(this.#deps.player, this.#deps).run({ message: effect.message }, contextOf(signal)));
    }
  }

  /**
   * Claims again what is in force, and drives its lines, after a start; claims before the first await. Resolves to the report
   * of a line that could not be driven: nothing else is one, because nothing happened.
   */
  async restore(rule: string, effect: RuleEffect, rules: Rules, signal: AbortSignal): Promise<EffectReport | undefined> {
    const key = this.keyOf(effect);
    const value = effect.kind === "display-power" || effect.kind === "content" ? valueOf(effect, rules) : undefined;
    const isPerson = effect.kind === "display-power" && effect.by === "person";
    if (key !== undefined && value !== undefined && !isPerson) this.#deps.claims.claim(key, { rule, value });
    if (effect.kind !== "line" || effect.pulseMs !== undefined) return undefined;
    const driven = await this.#drive(rule, effect, signal);
    return driven !== undefined && "error" in driven.body && !signal.aborted ? driven : undefined;
  }

  async #want(rule: string, effect: Extract<RuleEffect, { kind: "display-power" | "content" }>, rules: Rules, isResumed: boolean, signal: AbortSignal): Promise<EffectReport | undefined> {
    const { claims } = this.#deps;
    const desired = this.#deps.desired();
    const key = this.keyOf(effect);
    if (key === undefined) return undefined;
    const value = valueOf(effect, rules);
    const isPerson = effect.kind === "display-power" && effect.by === "person";
    if (isPerson && isResumed) return undefined;
    if (value === undefined) {
      claims.release(key, rule);
      if (isPerson) await desired.endByHand(key);
      return { body: { ...describe(effect), effect: { attempted: false, observed: unknown("the desired document decides") } } };
    }
    if (isPerson) await desired.noteByHand(key, value, { by: "person", rule });
    else claims.claim(key, { rule, value });
    return this.#observed(effect, key, rule, value, signal);
  }

  /** Waits for the first result that the key's lane has for the value, or for somebody who decides otherwise. */
  #observed(effect: RuleEffect, key: string, rule: string, value: Json, signal: AbortSignal): Promise<EffectReport> {
    const { timers } = this.#deps;
    const desired = this.#deps.desired();
    return new Promise((resolve) => {
      const finish = (report: EffectReport): void => {
        timer.cancel();
        for (const off of undo) off();
        signal.removeEventListener("abort", onAbort);
        resolve(report);
      };
      const failedWith = (code: Code, message: string): JsonObject => ({ ...describe(effect), effect: { attempted: false, observed: unknown(message) }, error: { code, message } });
      const look = (): void => {
        const decision = desired.decide(key);
        if (decision.rule === rule && decision.wanted?.kind === "value" && sameJson(decision.wanted.value, value)) return;
        finish({ body: failedWith("rules.overridden", decision.why.slice(0, 300)), overriddenBy: { by: decision.by, why: decision.why.slice(0, 300) } });
      };
      const onAbort = (): void => finish({ body: failedWith("rules.overridden", "the rule fired again, or is no longer in force") });
      const timer = timers.after(`rules.result.${key}`, RESULT_WITHIN_MS, () => finish({ body: failedWith("rules.timed-out", "no effect was observed in time; the device keeps trying") }));
      const undo = [
        desired.onDocument(look),
        desired.onResult((checked) => {
          if (checked.key !== key || checked.wanted === undefined || !sameJson(checked.wanted, value)) return;
          const { effect: made, result } = checked;
          if (made === undefined && result.status === "pending") return;
          const observed = result.observed === undefined ? unknown("it cannot be observed") : { kind: "ok" as const, value: result.observed };
          const error = made?.error ?? (result.status === "applied" ? undefined : result.error);
          finish({ body: { ...describe(effect), effect: made === undefined ? { attempted: false, observed } : wireEffect(made), ...(error !== undefined && { error: { code: error.code, message: error.message.slice(0, 300) } }) } });
        }),
      ];
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      else look();
    });
  }

  async #drive(rule: string, effect: LineEffect, signal: AbortSignal): Promise<EffectReport | undefined> {
    const execution = await this.lines.drive(rule, effect, signal);
    return execution === undefined ? undefined : reported(describe(effect), execution);
  }
}

/** `undefined`: the rule lets go. */
function valueOf(effect: Extract<RuleEffect, { kind: "display-power" | "content" }>, rules: Rules): Json | undefined {
  if (effect.kind === "display-power") return effect.power === AS_DOCUMENT ? undefined : effect.power;
  return effect.content === AS_DOCUMENT ? undefined : rules.contents?.[effect.content];
}

/** The effect in a record. A message may be large or confidential, so it is left out. */
function describe(effect: RuleEffect): JsonObject {
  switch (effect.kind) {
    case "display-power": {
      const { kind, power, display } = effect;
      return { kind, power, ...(display !== undefined && { display }) };
    }
    case "content":
      return { kind: effect.kind, content: effect.content };
    case "line": {
      const { kind, line, level, pulseMs } = effect;
      return { kind, line, level, ...(pulseMs !== undefined && { pulseMs }) };
    }
    case "page-message":
      return { kind: effect.kind };
  }
}

function reported(what: JsonObject, execution: Execution): EffectReport {
  if (execution.state === "awaits-restart") return { body: what };
  const isDone = execution.state === "succeeded";
  const made = "effect" in execution ? (execution.effect as Effect<Json> | undefined) : undefined;
  const effect = made === undefined ? { attempted: isDone, ...(isDone && { acknowledged: true }), observed: { kind: "unsupported" } } : wireEffect(made);
  if (isDone) return { body: { ...what, effect } };
  return { body: { ...what, effect, error: { code: execution.error.code, message: execution.error.message.slice(0, 300) } } };
}

function wireEffect({ attempted, acknowledged, observed }: Effect<Json>): JsonObject {
  return { attempted, ...(acknowledged !== undefined && { acknowledged }), observed: wireReading(observed) as unknown as JsonObject };
}
