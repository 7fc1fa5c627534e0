import type { Clock, Timers } from "../../../../platform/ports/clock.ts";
import type { Comparison } from "../../../../platform/ports/comparison.ts";
import { valueOf, type Effect, type Reading } from "../../../../platform/ports/reading.ts";
import { sleep } from "../../../../platform/runtime/sleep.ts";
import type { Execution, ExecutionContext, ResolutionContext, Unknown } from "../executor.ts";
import type { Issue } from "../../../../platform/ports/result.ts";

export interface ExecutorTime {
  readonly clock: Clock;
  readonly timers: Timers;
}

/** How to prove an effect on hardware. */
export interface Proof<T, R> {
  /** Prefix of the error codes: `display`, `audio`. */
  readonly part: "audio" | "display";
  /** The wanted effect in words, such as `the display to be on`. */
  readonly wanted: string;
  /** Compares an observation with the wanted value. */
  compare(observed: T): Comparison;
  /** Observes the hardware again. */
  observe(): Promise<Reading<T>>;
  /** How long to observe hardware that shows no reaction, from the end of the order; in milliseconds. */
  settleMs: number;
  /** When to give up and report the last observation, from the start; shorter than the command's time-out, which could not report it. */
  withinMs: number;
  /** The command's result. `observed` is `undefined` when the effect was acknowledged but cannot be observed. */
  result(observed: T | undefined): R;
}

/** Time between two observations of slow hardware. */
const LOOK_EVERY_MS = 1_000;

/**
 * Makes an attempt on hardware and proves its effect. `succeeded` needs an observation of the wanted or a near value. For
 * hardware that cannot be observed an acknowledgement suffices; `observed` is then `unsupported`.
 * Codes: `<part>.no-answer`, `<part>.effect-not-observed`, `<part>.not-attempted`, or the hardware's own.
 */
export async function prove<T, R>(
  attempt: () => Promise<Effect<T>>,
  proof: Proof<T, R>,
  context: ExecutionContext,
  time: ExecutorTime,
): Promise<Execution<R>> {
  const { clock, timers } = time;
  const startedMs = clock.monotonicMs();
  const first = await attempt();
  if (!first.attempted) {
    const error: Issue = first.error ?? {
      code: `${proof.part}.not-attempted`,
      message: "nothing was sent to the hardware, for an unknown reason",
    };
    return { state: "failed", error, effect: first };
  }
  if (first.observed.kind === "unsupported") return judgeUnobservable(first, proof);
  // Neither the order nor the observation was answered, so there is no device to wait for.
  if (first.acknowledged !== true && first.observed.kind !== "ok") {
    const error: Issue = first.error ?? { code: `${proof.part}.no-answer`, message: `asked for ${proof.wanted}: no answer` };
    return { state: "failed", error, effect: first };
  }
  let effect = first;
  const toldMs = clock.monotonicMs();
  for (;;) {
    const { observed } = effect;
    const comparison = comparisonOf(proof, observed);
    if (observed.kind === "ok" && (comparison === "same" || comparison === "near"))
      return { state: "succeeded", result: proof.result(observed.value), effect: asObserved(first, observed) };
    const onItsWay = comparison === "settling";
    const nowMs = clock.monotonicMs();
    if (nowMs - startedMs >= proof.withinMs || (!onItsWay && nowMs - toldMs >= proof.settleMs)) return notObserved(effect, proof);
    if (onItsWay) context.progress(String(valueOf(observed)));
    if (!(await sleep(timers, `command.look.${proof.part}`, LOOK_EVERY_MS, context.signal))) return notObserved(effect, proof);
    effect = { ...effect, observed: await proof.observe() };
  }
}

/**
 * Finds out from the hardware what became of a command that was running when the agent ended. Observes for `settleMs`, and
 * while the hardware is changing up to `withinMs`. Changes nothing.
 */
export async function askAfterCrash<T, R>(
  proof: Proof<T, R>,
  context: ResolutionContext,
  time: ExecutorTime,
): Promise<Execution<R> | Unknown> {
  const { clock, timers } = time;
  const startedMs = clock.monotonicMs();
  for (;;) {
    const observed = await proof.observe();
    // The command was journaled as running, so the order is assumed to have been sent.
    const effect: Effect = { attempted: true, observed };
    const comparison = comparisonOf(proof, observed);
    // Not for a near value, which may have been there before the command.
    if (observed.kind === "ok" && comparison === "same") return { state: "succeeded", result: proof.result(observed.value), effect };
    if (observed.kind === "unsupported") return { state: "unknown", seen: "it cannot be observed" };
    const onItsWay = comparison === "settling";
    const lookedMs = clock.monotonicMs() - startedMs;
    const over = lookedMs >= proof.withinMs || (!onItsWay && lookedMs >= proof.settleMs);
    if (over || !(await sleep(timers, `command.look.${proof.part}`, LOOK_EVERY_MS, context.signal))) {
      return { state: "unknown", seen: `${proof.wanted} was asked for, and ${wordsFor(observed)}`, effect };
    }
  }
}

function comparisonOf<T, R>(proof: Proof<T, R>, observed: Reading<T>): Comparison | undefined {
  return observed.kind === "ok" ? proof.compare(observed.value) : undefined;
}

function wordsFor<T>(observed: Reading<T>): string {
  return observed.kind === "ok" ? `observed ${String(observed.value)}` : "it could not be observed";
}

/** The effect with its observation, without an error that the observation disproved. */
function asObserved<T>({ attempted, acknowledged }: Effect<T>, observed: Reading<T>): Effect<T> {
  return acknowledged === undefined ? { attempted, observed } : { attempted, acknowledged, observed };
}

function judgeUnobservable<T, R>(effect: Effect<T>, proof: Proof<T, R>): Execution<R> {
  if (effect.acknowledged === true) return { state: "succeeded", result: proof.result(undefined), effect };
  const error: Issue = effect.error ?? {
    code: `${proof.part}.no-answer`,
    message: `asked for ${proof.wanted}: no answer, and it cannot be observed`,
  };
  return { state: "failed", error, effect };
}

function notObserved<T, R>(effect: Effect<T>, proof: Proof<T, R>): Execution<R> {
  const message = `asked for ${proof.wanted}; the hardware ${effect.acknowledged === true ? "acknowledged" : "did not acknowledge"}, and ${wordsFor(effect.observed)}`;
  return { state: "failed", error: { code: `${proof.part}.effect-not-observed`, message }, effect };
}
