import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Compositor, CompositorOutput } from "../../../platform/ports/compositor.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";

/**
 * Whether a picture can reach the glass. `off`: through no output; `disabled` when none is even enabled, so that no program starts
 * either. `partly-off`: some outputs are off, and on which one the window is, the compositor does not say. `on` also when
 * nobody can tell. `says` names the outputs, in a few words.
 */
export type OutputFinding =
  | { readonly kind: "on" }
  | { readonly kind: "partly-off"; readonly says: string }
  | { readonly kind: "off"; readonly disabled: boolean; readonly says: string };

const ON: OutputFinding = { kind: "on" };
/** How long an answer counts. */
const FRESH_MS = 500;
/** A compositor answers within some milliseconds. A slower one is not waited for, because the page has to be judged. */
const ANSWER_TIMEOUT_MS = 500;
/** How long the last answer stands in for one that is late: on a busy machine a compositor is slow, and an output stays off. */
const KEPT_MS = 60_000;
const NAMES_MAX = 4;

export interface OutputPowerDeps {
  /** Absent where no compositor shows the window: then every output counts as on. */
  readonly compositor?: Pick<Compositor, "outputs"> | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** Asks the compositor whether the outputs are on. Nobody else can tell: the page stays visible and gets no event. */
export class OutputPower {
  readonly #deps: OutputPowerDeps;
  #last: { readonly atMs: number; readonly outputs: Promise<readonly CompositorOutput[] | undefined> } | undefined;
  #answer: { readonly atMs: number; readonly outputs: readonly CompositorOutput[] } | undefined;
  /** Why the last question was not answered; empty if it was. */
  #failure = "";

  constructor(deps: OutputPowerDeps) {
    this.#deps = deps;
  }

  /** The outputs as the compositor sees them, or saw them when its answer is late; `undefined` when it says nothing. Never rejects. */
  async outputs(): Promise<readonly CompositorOutput[] | undefined> {
    const { compositor, clock } = this.#deps;
    if (compositor === undefined) return undefined;
    if (this.#last === undefined || clock.monotonicMs() - this.#last.atMs > FRESH_MS) this.#last = { atMs: clock.monotonicMs(), outputs: this.#ask(compositor) };
    return this.#last.outputs;
  }

  async #ask(compositor: Pick<Compositor, "outputs">): Promise<readonly CompositorOutput[] | undefined> {
    const { clock, timers, log } = this.#deps;
    let failure = "";
    try {
      const answer = await withDeadline(timers, "outputs.answer", ANSWER_TIMEOUT_MS, compositor.outputs());
      if (answer.ok) return this.#keep(answer.value);
      failure = answer.error.message;
      this.#answer = undefined;
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      if (this.#answer !== undefined && clock.monotonicMs() - this.#answer.atMs < KEPT_MS) return this.#answer.outputs;
      failure = thrown.message;
    } finally {
      if (failure !== "" && failure !== this.#failure) log.warn({ why: failure }, "the compositor does not say which outputs are on: a missing picture counts as a fault of the page");
      this.#failure = failure;
    }
    return undefined;
  }

  #keep(outputs: readonly CompositorOutput[]): readonly CompositorOutput[] {
    this.#answer = { atMs: this.#deps.clock.monotonicMs(), outputs };
    return outputs;
  }

  /** Never rejects. */
  async look(): Promise<OutputFinding> {
    const outputs = await this.outputs();
    return outputs === undefined ? ON : judgeOutputs(outputs);
  }
}

/** Pure. An output whose power is unknown or cannot be switched counts as on. */
export function judgeOutputs(outputs: readonly CompositorOutput[]): OutputFinding {
  const enabled = outputs.filter((output) => output.enabled);
  if (enabled.length === 0) return { kind: "off", disabled: true, says: outputs.length === 0 ? "no output is connected" : `${namesOf(outputs)} disabled` };
  const off = enabled.filter(({ power }) => power.kind === "ok" && power.value === "off");
  if (off.length === 0) return ON;
  const says = `${namesOf(off)} off`;
  return off.length === enabled.length ? { kind: "off", disabled: false, says } : { kind: "partly-off", says };
}

function namesOf(outputs: readonly CompositorOutput[]): string {
  const names = outputs.slice(0, NAMES_MAX).map(({ name }) => name).join(", ");
  const more = outputs.length > NAMES_MAX ? ` and ${outputs.length - NAMES_MAX} more` : "";
  return `${names}${more} ${outputs.length === 1 ? "is" : "are"}`;
}
