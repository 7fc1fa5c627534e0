import type { DesiredDocument } from "../../protocol/desired.ts";
import type { RuleEffect } from "../../protocol/rules.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { sameJson } from "../../../platform/runtime/json.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import type { RuleClaim } from "./decision.ts";

/** A display of this device, as rules name it. */
export interface RuledDisplay {
  readonly name: string;
  readonly path: string;
}

/** The desired key that an effect wants a value for; `undefined`: it acts once. Of several displays, the first is the default. */
export function ruledKey(effect: RuleEffect, displays: readonly RuledDisplay[]): string | undefined {
  if (effect.kind === "content") return "content";
  if (effect.kind !== "display-power") return undefined;
  const display = effect.display === undefined ? displays[0] : displays.find(({ name }) => name === effect.display);
  return display === undefined ? undefined : `${display.path}.power`;
}

/** What local rules want for desired keys. Of several rules the one that fired last counts. */
export class RuleClaims {
  /** By key, the newest last. */
  readonly #claims = new Map<string, readonly RuleClaim[]>();
  readonly #changed: Emitter<string>;
  readonly #displays: readonly RuledDisplay[];
  readonly #managed = new WeakMap<object, ReadonlySet<string>>();

  constructor(displays: readonly RuledDisplay[], log: Log) {
    this.#displays = displays;
    this.#changed = Emitter.logged(log, "the claims of rules");
  }

  /** Calls back with a key whose claim may have changed. Returns a function that unsubscribes. */
  onChange(listener: (key: string) => void): () => void {
    return this.#changed.on(listener);
  }

  of(key: string): RuleClaim | undefined {
    return this.#claims.get(key)?.at(-1);
  }

  /** Whether a rule of the document can claim this key, also before the rules are in force. */
  manages(key: string, { rules }: DesiredDocument): boolean {
    if (rules === undefined) return false;
    let managed = this.#managed.get(rules);
    if (managed === undefined) {
      const effects = rules.table.flatMap(({ do: effects, otherwise = [] }) => [...effects, ...otherwise]);
      managed = new Set(effects.flatMap((effect) => ruledKey(effect, this.#displays) ?? []));
      this.#managed.set(rules, managed);
    }
    return managed.has(key);
  }

  /** Ends the claims of all rules but these. */
  keepOnly(rules: ReadonlySet<string>): void {
    for (const [key, claims] of [...this.#claims]) {
      this.#set(key, claims.filter(({ rule }) => rules.has(rule)));
      if (claims.at(-1) !== this.of(key)) this.#changed.emit(key);
    }
  }

  /** The newest claim for `key` from now on. */
  claim(key: string, claim: RuleClaim): void {
    const before = this.of(key);
    this.#set(key, [...this.#others(key, claim.rule), claim]);
    if (before === undefined || !sameJson({ ...before }, { ...claim })) this.#changed.emit(key);
  }

  release(key: string, rule: string): void {
    const before = this.of(key);
    this.#set(key, this.#others(key, rule));
    if (before !== this.of(key)) this.#changed.emit(key);
  }

  #others(key: string, rule: string): readonly RuleClaim[] {
    return (this.#claims.get(key) ?? []).filter((claim) => claim.rule !== rule);
  }

  #set(key: string, claims: readonly RuleClaim[]): void {
    if (claims.length === 0) this.#claims.delete(key);
    else this.#claims.set(key, claims);
  }
}
