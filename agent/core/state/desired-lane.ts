import type { DesiredDocument, OwnKeyResult } from "../../protocol/desired.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Effect, Reading } from "../../../platform/ports/reading.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { canonicalJson } from "../../../platform/runtime/json.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep, TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { overriddenIssue, type Decision } from "./decision.ts";
import type { DesiredKeyHandler, KeyOutcome, Wanted } from "./desired-key.ts";
import { afterApply, planKey, worldChanged, type DelayFor, type DesiredStep, type KeyMemory } from "./desired-step.ts";
import { untilAborted } from "./until-aborted.ts";
import { Wake } from "../../../platform/runtime/wake.ts";

export interface DesiredLaneDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** The document in force. */
  document(): DesiredDocument | undefined;
  /** Who decides about `key` and what is wanted, given what the document wants. */
  decide(key: string, base: Wanted | undefined): Decision;
  publish(key: string, result: OwnKeyResult | undefined, state: KeyState): void;
  /** The wanted value of `key` has changed, so what was reported about the old one no longer applies. */
  superseded(key: string): void;
}

/** State of one key at a check. */
export interface KeyState {
  /** Recent failed attempts and drifts. */
  readonly strikes: number;
  /** How long the key has been as wanted. */
  readonly heldMs: number;
  /** What was wanted at this check; absent: nothing, or it is left alone. */
  readonly wanted?: Json;
  /** Of the attempt that this check made. */
  readonly effect?: Effect<Json>;
}

/** Interval at which every key is rechecked when nothing happens. Jittered by ±5 %. */
export const LOOK_EVERY_MS = 60_000;
/** Events within this time are handled together. */
const GATHER_MS = 100;
/** A flapping cable causes at most one extra attempt in this time. */
const EVENT_TRY_FLOOR_MS = 10_000;
/** Added to a handler's worst case before it counts as hung. */
const DEADLINE_MARGIN_MS = 2_000;
const AGAIN: RetryPolicy = { firstMs: 5_000, factor: 2, capMs: 900_000, floorMs: 2_000 };

/**
 * Reconciles the keys of one lane one after the other, in a loop: observe, compare, apply, report. Never gives up on a
 * key; only slows down.
 */
export class DesiredLane {
  readonly #name: string;
  readonly #handlers: readonly DesiredKeyHandler[];
  readonly #deps: DesiredLaneDeps;
  readonly #memories = new Map<string, KeyMemory>();
  readonly #wake = new Wake();
  #applying: { readonly key: string; readonly text: string; readonly stop: AbortController } | undefined;
  #lastEventTryMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, handlers: readonly DesiredKeyHandler[], deps: DesiredLaneDeps) {
    this.#name = name;
    this.#handlers = handlers;
    this.#deps = deps;
  }

  /** Something may have changed: check now. */
  poke(): void {
    this.#wake.ring();
  }

  /** Hardware appeared or disappeared: pending attempts are made now. */
  hardwareChanged(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#lastEventTryMs >= EVENT_TRY_FLOOR_MS) {
      this.#lastEventTryMs = nowMs;
      for (const { key, disturbedRetryMaxMs } of this.#handlers) {
        const memory = this.#memories.get(key);
        if (memory !== undefined) this.#memories.set(key, worldChanged(memory, nowMs, disturbedRetryMaxMs !== undefined));
      }
    }
    this.#wake.ring();
  }

  /** What is wanted may have changed: stops an attempt at a value that is no longer wanted, and checks now. */
  wantedChanged(): void {
    const applying = this.#applying;
    if (applying !== undefined) {
      const handler = this.#handlers.find(({ key }) => key === applying.key);
      const wanted = handler === undefined ? undefined : this.#decide(handler, this.#deps.document()).wanted;
      if (wanted?.kind !== "value" || canonicalJson(wanted.value) !== applying.text) applying.stop.abort("superseded");
    }
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timers, random } = this.#deps;
    while (!signal.aborted) {
      let dueMs = clock.monotonicMs() + LOOK_EVERY_MS * (0.95 + 0.1 * random.next());
      for (const handler of this.#handlers) {
        const againMs = await this.#reconcile(handler, signal);
        if (signal.aborted) return;
        if (againMs !== undefined) dueMs = Math.min(dueMs, againMs);
      }
      await this.#wake.wait(timers, `desired.${this.#name}`, Math.max(GATHER_MS, dueMs - clock.monotonicMs()), signal);
      await sleep(timers, `desired.gather.${this.#name}`, GATHER_MS, signal);
    }
  }

  #decide(handler: DesiredKeyHandler, document: DesiredDocument | undefined): Decision {
    return this.#deps.decide(handler.key, document === undefined ? undefined : this.#guarded(handler, () => handler.wanted(document)));
  }

  /** Checks one key. Returns the monotonic time of its next check, where that is known. */
  async #reconcile(handler: DesiredKeyHandler, signal: AbortSignal): Promise<number | undefined> {
    const { clock } = this.#deps;
    const { key } = handler;
    const document = this.#deps.document();
    const { wanted } = this.#decide(handler, document);
    if (wanted === undefined || document === undefined) {
      handler.atRest?.();
      this.#memories.delete(key);
      this.#deps.publish(key, undefined, { strikes: 0, heldMs: 0 });
      return undefined;
    }
    const observed = await this.#observe(handler, signal);
    if (signal.aborted) return undefined;
    const decision = this.#decide(handler, this.#deps.document());
    // The document or a regulator changed its mind during the check: nothing of before may start now.
    if (this.#deps.document() !== document || !sameWanted(wanted, decision.wanted)) return clock.monotonicMs();
    if (decision.handsOff) {
      this.#memories.delete(key);
      this.#publish(key, { status: "pending", error: overriddenIssue(decision), ...(observed.kind === "ok" ? { observed: observed.value } : {}) });
      return undefined;
    }
    const before = this.#memories.get(key);
    const planned = planKey(wanted, observed, before, handler.compare, clock.monotonicMs(), this.#delayFor(handler), handler.disturbedRetryMaxMs);
    this.#memories.set(key, planned.memory);
    if (before !== undefined && before.text !== planned.memory.text) this.#deps.superseded(key);
    const done = await this.#execute[planned.step.do](handler, planned.step as never, signal);
    if (signal.aborted) return undefined;
    if (done.result.status === "applied") handler.atRest?.();
    const remark = done.result.status === "applied" && done.result.error === undefined ? handler.remark?.(document) : undefined;
    const { effect } = done;
    this.#publish(key, remark === undefined ? done.result : { ...done.result, error: remark }, { ...(wanted.kind === "value" && { wanted: wanted.value }), ...(effect && { effect }) });
    return done.lookAgainMs;
  }

  readonly #execute: { readonly [S in DesiredStep["do"]]: (
    handler: DesiredKeyHandler,
    step: Extract<DesiredStep,
    { do: S }>,
    signal: AbortSignal,
  ) => Promise<Done> } = {
    report: (_handler, { result, lookAgainMs }) => Promise.resolve(lookAgainMs === undefined ? { result } : { result, lookAgainMs }),
    apply: async (handler, { value }, signal) => {
      const { key } = handler;
      const before = this.#memories.get(key);
      if (before === undefined) throw new Error(`no memory of ${key}`);
      this.#publish(key, { status: "pending", ...(before.drifts > 0 ? { drifts: before.drifts } : {}) });
      const outcome = await this.#apply(handler, value, before.text, signal);
      if (outcome === "superseded") return { result: { status: "pending" }, lookAgainMs: this.#deps.clock.monotonicMs() };
      const memory = this.#memories.get(key) ?? before;
      const next = afterApply(value, outcome, memory, handler.compare, this.#deps.clock.monotonicMs(), this.#delayFor(handler));
      this.#memories.set(key, next.memory);
      if (next.result.status === "failed") this.#deps.log.warn(
        { key, error: next.result.error, strikes: next.memory.strikes },
        "a desired key could not be applied",
      );
      return { result: next.result, ...(next.lookAgainMs !== undefined && { lookAgainMs: next.lookAgainMs }), ...(outcome.kind === "effect" && { effect: outcome.effect }) };
    },
  };

  async #apply(handler: DesiredKeyHandler, value: Json, text: string, signal: AbortSignal): Promise<KeyOutcome | "superseded"> {
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#applying = { key: handler.key, text, stop };
    try {
      // Stopping the agent does not wait for the handler. A new wanted value does, so that no two attempts overlap.
      const outcome = await untilAborted(this.#within(handler, "apply", () => handler.apply(value, stop.signal)), signal);
      if (outcome === undefined || stop.signal.aborted) return "superseded";
      return "issue" in outcome ? {
        kind: "effect",
        effect: { attempted: true, observed: { kind: "failed", error: outcome.issue }, error: outcome.issue },
      } : outcome.value;
    } finally {
      this.#applying = undefined;
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #observe(handler: DesiredKeyHandler, signal: AbortSignal): Promise<Reading<Json>> {
    const observed = await untilAborted(this.#within(handler, "observe", () => handler.observe(signal)), signal);
    if (observed === undefined) return { kind: "unknown", why: "the agent is stopping" };
    return "issue" in observed ? { kind: "failed", error: observed.issue } : observed.value;
  }

  /**
   * Runs a handler with its deadline. An exception is a bug in the handler: it is logged and reported for its key, and the
   * other keys go on.
   */
  async #within<T>(handler: DesiredKeyHandler, what: string, work: () => Promise<T>): Promise<{ readonly value: T } | { readonly issue: Issue }> {
    const { worstCaseMs } = handler;
    try {
      if (worstCaseMs === undefined) return { value: await work() };
      return { value: await withDeadline(this.#deps.timers, `desired.${what}.${handler.key}`, worstCaseMs + DEADLINE_MARGIN_MS, work()) };
    } catch (thrown) {
      if (thrown instanceof TimeoutError) return { issue: { code: "desired.timeout", message: thrown.message } };
      return { issue: this.#bug(handler, thrown) };
    }
  }

  #guarded(handler: DesiredKeyHandler, work: () => Wanted | undefined): Wanted | undefined {
    try {
      return work();
    } catch (thrown) {
      return { kind: "no-opinion", why: this.#bug(handler, thrown) };
    }
  }

  #bug(handler: DesiredKeyHandler, thrown: unknown): Issue {
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    this.#deps.log.error({ key: handler.key, error: messageOf(thrown), stack }, "a desired-key handler threw: a bug");
    return { code: "desired.bug", message: `internal error: ${messageOf(thrown).slice(0, 300)}` };
  }

  #delayFor({ disturbedRetryMaxMs = AGAIN.capMs }: DesiredKeyHandler): DelayFor {
    return (strikes, wasTaken) => retryDelayMs(wasTaken ? { ...AGAIN, capMs: disturbedRetryMaxMs } : AGAIN, strikes, this.#deps.random);
  }

  #publish(key: string, result: OwnKeyResult, seen: Pick<KeyState, "wanted" | "effect"> = {}): void {
    const memory = this.#memories.get(key);
    const heldMs = memory?.heldSinceMs === undefined ? 0 : this.#deps.clock.monotonicMs() - memory.heldSinceMs;
    this.#deps.publish(key, result, { strikes: memory?.strikes ?? 0, heldMs, ...seen });
  }
}

interface Done {
  readonly result: OwnKeyResult;
  readonly lookAgainMs?: number;
  readonly effect?: Effect<Json>;
}

function sameWanted(a: Wanted, b: Wanted | undefined): boolean {
  if (a.kind !== "value" || b?.kind !== "value") return a.kind === b?.kind;
  return canonicalJson(a.value) === canonicalJson(b.value);
}
