import * as v from "valibot";
import { CodeSchema, CountSchema, TextSchema } from "../../protocol/values.ts";
import { foreignCode, type Issue } from "../../../platform/ports/result.ts";

/**
 * Trial of a change to the device's way to its cloud (endpoints, network settings). `C` is what is committed, `W` what is
 * tried. A trial is recorded on disk before anything changes, and committed only once it is proven. If the agent ends in
 * between, the next start goes back.
 */
export type TrialState<C, W> =
  | Settled<C, W>
  | { readonly kind: "trying"; readonly committed: C; readonly wanted: W; readonly failures: number }
  /** The trial failed, and the committed settings are not yet back in force. On disk the same as `trying`. */
  | { readonly kind: "reverting"; readonly committed: C; readonly wanted: W; readonly failures: number; readonly error: Issue };

export interface Settled<C, W> {
  readonly kind: "settled";
  readonly committed: C;
  readonly failure?: TrialFailure<W>;
}

/** The last failed trial. */
export interface TrialFailure<W> {
  readonly wanted: W;
  readonly error: Issue;
  /** Consecutive failures of the same trial. */
  readonly failures: number;
  /** Monotonic time of the failure. */
  readonly failedMs: number;
  /** No retry before this monotonic time: a change that does not work must not take the device offline repeatedly. */
  readonly notBeforeMs: number;
}

export type TrialEvent<C, W> =
  /** `failures`: earlier consecutive failures of the same trial. */
  | { readonly kind: "try"; readonly wanted: W; readonly failures: number }
  /** Proven, or known to be in force. */
  | { readonly kind: "commit"; readonly committed: C }
  | { readonly kind: "fail"; readonly error: Issue }
  /** The committed settings are in force again. */
  | { readonly kind: "undone"; readonly nowMs: number; readonly pauseMs: number }
  /** Changes the committed record without a trial. `forget`: also drops the failure. */
  | { readonly kind: "amend"; readonly committed: C; readonly forget: boolean };

export interface TrialStep<C, W> {
  readonly state: TrialState<C, W>;
  /** `first`: takes effect once on disk. `then`: takes effect even if the write fails. `same`: already on disk. */
  readonly disk: "first" | "then" | "same";
}

/** The next state. Throws for an event that is invalid in the state, which is a bug. */
export function stepTrial<C, W>(state: TrialState<C, W>, event: TrialEvent<C, W>): TrialStep<C, W> {
  const { committed } = state;
  if (event.kind === "try" && state.kind === "settled") {
    return { state: { kind: "trying", committed, wanted: event.wanted, failures: event.failures }, disk: "first" };
  }
  if (event.kind === "commit" && state.kind !== "reverting") return { state: { kind: "settled", committed: event.committed }, disk: "first" };
  if (event.kind === "fail" && state.kind === "trying") return { state: { ...state, kind: "reverting", error: event.error }, disk: "same" };
  if (event.kind === "undone" && state.kind === "reverting") {
    const { wanted, error } = state;
    const failure = { wanted, error, failures: state.failures + 1, failedMs: event.nowMs, notBeforeMs: event.nowMs + event.pauseMs };
    return { state: { kind: "settled", committed, failure }, disk: "then" };
  }
  if (event.kind === "amend" && state.kind === "settled") {
    const { failure } = state;
    return { state: { kind: "settled", committed: event.committed, ...(event.forget || failure === undefined ? {} : { failure }) }, disk: "then" };
  }
  throw new Error(`"${event.kind}" is not valid for a trial that is ${state.kind}`);
}

/** A trial and its record on disk. Call one step at a time. */
export class Trial<C, W> {
  readonly #write: (state: TrialState<C, W>) => Promise<Issue | undefined>;
  #state: TrialState<C, W>;

  /** `write` returns why the write failed; `undefined` when it succeeded. */
  constructor(state: TrialState<C, W>, write: (state: TrialState<C, W>) => Promise<Issue | undefined>) {
    this.#state = state;
    this.#write = write;
  }

  get state(): TrialState<C, W> {
    return this.#state;
  }

  /** Marks the trial as failed. Synchronous, so that nothing of it can be accepted any more. */
  fail(error: Issue): void {
    this.#state = stepTrial(this.#state, { kind: "fail", error }).state;
  }

  /** Returns why the write failed. A `try` or `commit` then has no effect; the others take effect all the same. */
  async step(event: Exclude<TrialEvent<C, W>, { kind: "fail" }>, write = this.#write): Promise<Issue | undefined> {
    const { state, disk } = stepTrial(this.#state, event);
    if (disk === "then") this.#state = state;
    const unwritten = await write(state);
    if (unwritten === undefined) this.#state = state;
    return unwritten;
  }
}

export type TrialPlan<W> = { readonly kind: "try"; readonly failures: number } | { readonly kind: "failed"; readonly failure: TrialFailure<W> };

/** Decides about a wanted change. `failure`: its last failure, if any. `notBeforeMs`: replaces that of the failure. */
export function planTrial<W>(failure: TrialFailure<W> | undefined, nowMs: number, notBeforeMs = failure?.notBeforeMs ?? 0): TrialPlan<W> {
  return failure !== undefined && nowMs < notBeforeMs ? { kind: "failed", failure } : { kind: "try", failures: failure?.failures ?? 0 };
}

/** Stored fields of a trial. `open`: it was under way when written; otherwise it had failed. */
export const TRIED_ENTRIES = { failures: CountSchema, open: v.boolean(), code: v.optional(CodeSchema), message: v.optional(TextSchema) };
type Tried = v.InferOutput<v.ObjectSchema<typeof TRIED_ENTRIES, undefined>>;

/** The trial as stored beside the committed record; `undefined` when there is nothing to store. */
export function triedOf<C, W>(state: TrialState<C, W>): { readonly wanted: W; readonly tried: Tried } | undefined {
  if (state.kind !== "settled") return { wanted: state.wanted, tried: { failures: state.failures, open: true } };
  if (state.failure === undefined) return undefined;
  const { wanted, failures, error } = state.failure;
  return { wanted, tried: { failures, open: false, code: error.code, message: error.message.slice(0, 1000) } };
}

/**
 * The state after a start. A trial that was interrupted has failed: its remaining time is unknown after a power cut, and
 * the committed settings are proven. `otherwise`: code and message of a failure stored without them.
 */
export function trialAfterStart<C, W>(
  committed: C,
  stored: { readonly wanted: W; readonly tried: Tried } | undefined,
  words: { readonly interrupted: Issue; readonly otherwise: Issue },
  nowMs: number,
  pauseMs: (failures: number) => number,
): TrialState<C, W> {
  if (stored === undefined) return { kind: "settled", committed };
  const { wanted, tried } = stored;
  const { failures, open, message = words.otherwise.message } = tried;
  const code = tried.code === undefined ? words.otherwise.code : foreignCode(tried.code);
  if (open) return { kind: "reverting", committed, wanted, failures, error: words.interrupted };
  return { kind: "settled", committed, failure: { wanted, error: { code, message }, failures, failedMs: nowMs, notBeforeMs: nowMs + pauseMs(failures) } };
}
