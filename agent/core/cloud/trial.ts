import * as v from "valibot";
import { CodeSchema, CountSchema, TextSchema } from "../../protocol/values.ts";
import { foreignCode, type Issue } from "../../../platform/ports/result.ts";

/**
 * Trying something new on the device's way to its cloud: other endpoints, other network settings. `C` is what is
 * committed, `W` what is tried. The disk names a trial before anything is changed, and the new only once it was proved:
 * whatever ends the agent in between, the next start goes back.
 */
export type TrialState<C, W> =
  | Settled<C, W>
  | { readonly kind: "trying"; readonly committed: C; readonly wanted: W; readonly failures: number }
  /** The trial is lost, and what is committed not in force again yet. On disk the same as `trying`. */
  | { readonly kind: "reverting"; readonly committed: C; readonly wanted: W; readonly failures: number; readonly error: Issue };

export interface Settled<C, W> {
  readonly kind: "settled";
  readonly committed: C;
  readonly failure?: TrialFailure<W>;
}

/** What was tried last, in vain. */
export interface TrialFailure<W> {
  readonly wanted: W;
  readonly error: Issue;
  /** How often in a row. */
  readonly failures: number;
  /** When that was found out, monotonic. */
  readonly failedMs: number;
  /** Not tried again before this monotonic time: what does not work must not take the device off its cloud again and again. */
  readonly notBeforeMs: number;
}

export type TrialEvent<C, W> =
  /** `failures`: of the same, in a row, before. */
  | { readonly kind: "try"; readonly wanted: W; readonly failures: number }
  /** Proved, or known to be in force. */
  | { readonly kind: "commit"; readonly committed: C }
  | { readonly kind: "fail"; readonly error: Issue }
  /** What is committed is in force again. */
  | { readonly kind: "undone"; readonly nowMs: number; readonly pauseMs: number }
  /** What is committed is told in other words. `forget`: the failure goes. */
  | { readonly kind: "amend"; readonly committed: C; readonly forget: boolean };

export interface TrialStep<C, W> {
  readonly state: TrialState<C, W>;
  /** `first`: holds once it is on disk. `then`: holds, and goes on disk if the disk takes it. `same`: the disk says so already. */
  readonly disk: "first" | "then" | "same";
}

/** The next state. Throws for an event that the state cannot have, which is a bug. */
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
  throw new Error(`"${event.kind}" came to a trial that is ${state.kind}`);
}

/** A trial with its disk. One step at a time. */
export class Trial<C, W> {
  readonly #write: (state: TrialState<C, W>) => Promise<Issue | undefined>;
  #state: TrialState<C, W>;

  /** `write` returns why the disk did not take it. */
  constructor(state: TrialState<C, W>, write: (state: TrialState<C, W>) => Promise<Issue | undefined>) {
    this.#state = state;
    this.#write = write;
  }

  get state(): TrialState<C, W> {
    return this.#state;
  }

  /** The trial is lost. At once: nothing of it may be accepted any more. */
  fail(error: Issue): void {
    this.#state = stepTrial(this.#state, { kind: "fail", error }).state;
  }

  /** Returns why the disk did not take it. After a `try` and a `commit` nothing has changed then; the others hold all the same. */
  async step(event: Exclude<TrialEvent<C, W>, { kind: "fail" }>, write = this.#write): Promise<Issue | undefined> {
    const { state, disk } = stepTrial(this.#state, event);
    if (disk === "then") this.#state = state;
    const unwritten = await write(state);
    if (unwritten === undefined) this.#state = state;
    return unwritten;
  }
}

export type TrialPlan<W> = { readonly kind: "try"; readonly failures: number } | { readonly kind: "failed"; readonly failure: TrialFailure<W> };

/** What asking for something comes to. `failure`: of the same, if it failed before. `notBeforeMs`: in place of the failure's own. */
export function planTrial<W>(failure: TrialFailure<W> | undefined, nowMs: number, notBeforeMs = failure?.notBeforeMs ?? 0): TrialPlan<W> {
  return failure !== undefined && nowMs < notBeforeMs ? { kind: "failed", failure } : { kind: "try", failures: failure?.failures ?? 0 };
}

/** What both stored forms say of a trial. `open`: it was under way when this was written; else it had failed. */
export const TRIED_ENTRIES = { failures: CountSchema, open: v.boolean(), code: v.optional(CodeSchema), message: v.optional(TextSchema) };
type Tried = v.InferOutput<v.ObjectSchema<typeof TRIED_ENTRIES, undefined>>;

/** What to put on disk of a trial, beside what is committed; `undefined`: nothing. */
export function triedOf<C, W>(state: TrialState<C, W>): { readonly wanted: W; readonly tried: Tried } | undefined {
  if (state.kind !== "settled") return { wanted: state.wanted, tried: { failures: state.failures, open: true } };
  if (state.failure === undefined) return undefined;
  const { wanted, failures, error } = state.failure;
  return { wanted, tried: { failures, open: false, code: error.code, message: error.message.slice(0, 1000) } };
}

/**
 * The state after a start. A trial that the end of the last run cut short is lost: how much of its time is left cannot be
 * known after a power cut, and what is committed was proved. `otherwise`: what is said of a failure that was stored without words.
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
