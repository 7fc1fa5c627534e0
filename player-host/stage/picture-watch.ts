import type { Clock, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import { fail, messageOf, type Result } from "../../platform/ports/result.ts";
import { sleep, TimeoutError, withDeadline } from "../../platform/runtime/sleep.ts";
import { HITS_FOR_UNIFORM, inspectSample, type ContentFact, type FrameFact } from "./picture.ts";
import type { FrameFinding, PixelSample, Shell } from "./shell.ts";
import type { StageState } from "./stage-state.ts";

export interface PictureWatchDeps {
  readonly shell: Shell;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly stage: () => StageState;
  readonly changed: () => void;
}

/** What is to be ended because no frame came. */
export type FrozenStep = "renderer" | "browser";

/** From one look to the next while all is well. */
export const FRAME_EVERY_MS = 4_000;
/** A frame that was asked for comes within this, or is late. The next look then follows at once. */
export const FRAME_TIMEOUT_MS = 3_000;
const AGAIN_MS = 100;
/** The shell keeps the deadline it is given; one that does not is not waited for. */
const SHELL_GRACE_MS = 1_000;
const SAMPLE_TIMEOUT_MS = 4_000;
/** A capture costs more than a frame; the picture's content is looked at on every fourth round. */
const CAPTURE_EVERY_ROUNDS = 4;
/** So many late frames in a row, over at least `PATIENCE_MS`, and what draws the picture is ended. */
const MISSES_FOR_STEP = 3;
export const PATIENCE_MS = 9_000;
/** The patience doubles with each step up to this: a page that computes for long when it starts must come to its end. */
const PATIENCE_MS_MAX = 60_000;
/** Time in which a slow machine kept the browser waiting is not held against the page; a page with many threads keeps itself waiting. */
const STARVED_MS_MAX = 120_000;
/** Frames for so long after a step, and the next is as quick as the first. */
const STEADY_MS = 120_000;

/**
 * Asks the frame witness and looks at the picture at a modest cadence, and remembers what they said. It always comes
 * round: a question without an answer is a late frame.
 */
export class PictureWatch {
  readonly #deps: PictureWatchDeps;
  #frame: FrameFact = { kind: "unasked" };
  #content: ContentFact = { kind: "unasked" };
  /** Rises whenever another picture comes on: an answer about the old one does not count. */
  #epoch = 0;
  #askedAnew = false;
  /** The content's document is another one than that which was captured last. */
  #captureOld = false;
  #wake: () => void = () => undefined;
  #steps = 0;
  #steppedMs = Number.NEGATIVE_INFINITY;
  /** A frame came since the last step: the next begins with the renderer. */
  #seenSinceStep = true;

  constructor(deps: PictureWatchDeps) {
    this.#deps = deps;
  }

  facts(): { readonly frame: FrameFact; readonly content: ContentFact } {
    return { frame: this.#frame, content: this.#content };
  }

  /** Another picture is on: what was seen of the one before says nothing of it. Looks at once. */
  pictureChanged(): void {
    this.#content = { kind: "unasked" };
    this.#frame = { kind: "unasked" };
    this.loadedAnew();
  }

  /** The same picture came once more, because we loaded it. Looks at once; good news of a moment ago still hold. */
  loadedAnew(): void {
    this.#epoch += 1;
    if (this.#frame.kind !== "alive") this.#frame = { kind: "unasked" };
    this.#captureOld = true;
    this.#askedAnew = true;
    this.#wake();
  }

  /**
   * What is to be ended now, once each time the patience is over: the renderer, and the browser where no frame came
   * since that. Never a renderer that answers: behind an output that is switched off nothing is drawn, and nothing is wrong.
   */
  takeStep(): FrozenStep | undefined {
    const frame = this.#frame;
    if (frame.kind !== "late" && frame.kind !== "unknown") return undefined;
    if (frame.misses < MISSES_FOR_STEP || (frame.kind === "late" && frame.renderer)) return undefined;
    const nowMs = this.#deps.clock.monotonicMs();
    const patienceMs = Math.min(PATIENCE_MS_MAX, PATIENCE_MS * 2 ** this.#steps);
    const starvedMs = frame.kind === "late" ? Math.min(frame.starvedMs, STARVED_MS_MAX) : 0;
    if (nowMs - Math.max(frame.sinceMs + starvedMs, this.#steppedMs) < patienceMs) return undefined;
    this.#steps += 1;
    this.#steppedMs = nowMs;
    const step = this.#seenSinceStep ? "renderer" : "browser";
    this.#seenSinceStep = step === "browser";
    return step;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let round = 0; !signal.aborted; round += 1) {
      this.#askedAnew = false;
      const pauseMs = await this.#round(round, signal);
      this.#deps.changed();
      if (!this.#askedAnew && !signal.aborted) await this.#pause(pauseMs, signal);
    }
  }

  /** One look; returns how long to wait for the next. */
  async #round(round: number, signal: AbortSignal): Promise<number> {
    const { work, shown } = this.#deps.stage();
    // There is nothing that could draw a frame, and that is known already.
    if (work.kind === "no-shell" || (work.kind === "cooling" && shown.kind === "nothing")) return FRAME_EVERY_MS;
    const askedMs = this.#deps.clock.monotonicMs();
    await this.#askFrame(askedMs, signal);
    const frame = this.#frame;
    if (frame.kind === "alive" && this.#wantsCapture(round) && !signal.aborted) await this.#look(signal);
    if (frame.kind === "alive" || (frame.kind === "late" && frame.renderer)) return FRAME_EVERY_MS;
    return Math.max(AGAIN_MS, FRAME_TIMEOUT_MS - (this.#deps.clock.monotonicMs() - askedMs));
  }

  async #pause(pauseMs: number, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    const wake = (): void => waiting.abort();
    this.#wake = wake;
    signal.addEventListener("abort", wake, { once: true });
    await sleep(this.#deps.timers, "picture.next-look", pauseMs, waiting.signal);
    signal.removeEventListener("abort", wake);
  }

  /** Soon after a change, and at once again while a single colour is not confirmed yet. */
  #wantsCapture(round: number): boolean {
    const content = this.#content;
    if (content.kind === "unasked" || this.#captureOld) return true;
    if (content.kind === "uniform" && content.hits < HITS_FOR_UNIFORM) return true;
    return round % CAPTURE_EVERY_ROUNDS === 0;
  }

  async #askFrame(askedMs: number, signal: AbortSignal): Promise<void> {
    const epoch = this.#epoch;
    const finding = await this.#ask<FrameFinding>(
      this.#deps.shell.witnessFrame(FRAME_TIMEOUT_MS),
      FRAME_TIMEOUT_MS,
      { kind: "late", renderer: false, output: false },
      (why) => ({ kind: "unknown", why }),
      signal,
    );
    if (epoch === this.#epoch) this.#frame = this.#frameFact(finding, askedMs);
  }

  #frameFact(finding: FrameFinding, askedMs: number): FrameFact {
    const nowMs = this.#deps.clock.monotonicMs();
    if (finding.kind === "alive") {
      this.#seenSinceStep = true;
      if (nowMs - this.#steppedMs > STEADY_MS) this.#steps = 0;
      return { ...finding, atMs: nowMs };
    }
    const before = this.#frame;
    const again = before.kind === "late" || before.kind === "unknown";
    const row = { misses: again ? before.misses + 1 : 1, sinceMs: again ? before.sinceMs : askedMs };
    if (finding.kind === "unknown") return { ...finding, ...row };
    return { ...finding, ...row, starvedMs: (finding.starvedMs ?? 0) + (before.kind === "late" ? before.starvedMs : 0) };
  }

  async #look(signal: AbortSignal): Promise<void> {
    const epoch = this.#epoch;
    const late = fail("capture.timed-out", `no capture within ${SAMPLE_TIMEOUT_MS} ms`);
    const sample = await this.#ask<Result<PixelSample>>(this.#deps.shell.sample(), SAMPLE_TIMEOUT_MS, late, (why) => fail("capture.failed", why), signal);
    if (epoch !== this.#epoch) return;
    this.#captureOld = false;
    const hits = this.#content.kind === "uniform" ? this.#content.hits : 0;
    this.#content = sample.ok ? inspectSample(sample.value, hits) : { kind: "unknown", why: sample.error.message };
  }

  /** The shell's answer, `late` when it does not keep its deadline or the watch ends, `broken` when it throws, which it promises not to. */
  async #ask<T>(question: Promise<T>, timeoutMs: number, late: T, broken: (why: string) => T, signal: AbortSignal): Promise<T> {
    const { timers, log } = this.#deps;
    let end = (): void => undefined;
    const ended = new Promise<T>((resolve) => {
      end = () => resolve(late);
    });
    signal.addEventListener("abort", end, { once: true });
    try {
      return await withDeadline(timers, "picture.answer", timeoutMs + SHELL_GRACE_MS, Promise.race([question, ended]));
    } catch (thrown) {
      if (thrown instanceof TimeoutError) return late;
      // A bug in the shell must not stop the watch.
      log.error({ error: messageOf(thrown) }, "the shell threw when it was asked for the picture");
      return broken(messageOf(thrown));
    } finally {
      signal.removeEventListener("abort", end);
    }
  }
}
