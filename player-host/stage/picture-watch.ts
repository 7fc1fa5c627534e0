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

/** The process to end because no frame arrived. */
export type FrozenStep = "renderer" | "browser";

/** Time between two checks while all is well. */
export const FRAME_EVERY_MS = 4_000;
/** Deadline for a requested frame. After a late one, the next check follows at once. */
export const FRAME_TIMEOUT_MS = 3_000;
const AGAIN_MS = 100;
/** Time beyond the given deadline after which we stop waiting for the shell. */
const SHELL_GRACE_MS = 1_000;
const SAMPLE_TIMEOUT_MS = 4_000;
/** Captures cost more than frames, so the picture is captured only in every fourth round. */
const CAPTURE_EVERY_ROUNDS = 4;
/** After this many misses in a row over at least `PATIENCE_MS`, the renderer or the browser is ended. */
const MISSES_FOR_STEP = 3;
export const PATIENCE_MS = 9_000;
/** The patience doubles with each step up to this, so that a page with a long startup computation can finish it. */
const PATIENCE_MS_MAX = 60_000;
/** Most processor starvation excused per series of misses. Limited, because a page with many threads starves itself. */
const STARVED_MS_MAX = 120_000;
/** A frame seen more than this long after a step resets the patience. */
const STEADY_MS = 120_000;

/**
 * Requests frames and captures at a modest rate and remembers the latest results. It never gets stuck: a request
 * without an answer counts as a late frame.
 */
export class PictureWatch {
  readonly #deps: PictureWatchDeps;
  #frame: FrameFact = { kind: "unasked" };
  #content: ContentFact = { kind: "unasked" };
  /** Incremented with every picture or load by us; results from an older epoch are ignored. */
  #epoch = 0;
  #askedAnew = false;
  /** The last capture is of an earlier document. */
  #captureOld = false;
  #wake: () => void = () => undefined;
  #steps = 0;
  #steppedMs = Number.NEGATIVE_INFINITY;
  /** A frame arrived since the last step, so the next step ends the renderer rather than the browser. */
  #seenSinceStep = true;

  constructor(deps: PictureWatchDeps) {
    this.#deps = deps;
  }

  facts(): { readonly frame: FrameFact; readonly content: ContentFact } {
    return { frame: this.#frame, content: this.#content };
  }

  /** Another picture is on: discards what is known about the previous one and checks at once. */
  pictureChanged(): void {
    this.#content = { kind: "unasked" };
    this.#forgetFrame();
    this.loadedAnew();
  }

  /** We reloaded the same picture. Checks at once; a recent `alive` result stays valid. */
  loadedAnew(): void {
    this.#epoch += 1;
    if (this.#frame.kind !== "alive") this.#forgetFrame();
    this.#captureOld = true;
    this.lookNow();
  }

  /** An output that is off is off for every picture. */
  #forgetFrame(): void {
    const outputOff = "outputOff" in this.#frame ? this.#frame.outputOff : undefined;
    this.#frame = { kind: "unasked", ...(outputOff !== undefined && { outputOff }) };
  }

  /** Checks at once instead of after the pause. */
  lookNow(): void {
    this.#askedAnew = true;
    this.#wake();
  }

  /**
   * Returns the process to end now, once each time the patience runs out: first the renderer, then the browser if no frame
   * arrived since. A renderer that answers is never ended: with its output switched off, a healthy page draws nothing.
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

  /** One check; returns the time to wait before the next, in milliseconds. */
  async #round(round: number, signal: AbortSignal): Promise<number> {
    const { work, shown } = this.#deps.stage();
    // Known already: nothing can draw a frame.
    if (work.kind === "no-shell" || (work.kind === "cooling" && shown.kind === "nothing")) return FRAME_EVERY_MS;
    const askedMs = this.#deps.clock.monotonicMs();
    await this.#askFrame(askedMs, signal);
    const frame = this.#frame;
    if (frame.kind === "alive" && this.#wantsCapture(round) && !signal.aborted) await this.#look(signal);
    if (frame.kind === "alive" || frame.kind === "dark" || (frame.kind === "late" && frame.renderer)) return FRAME_EVERY_MS;
    return Math.max(AGAIN_MS, FRAME_TIMEOUT_MS - (this.#deps.clock.monotonicMs() - askedMs));
  }

  async #pause(pauseMs: number, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    // A reason of our own: the one that would be made has a stack, which costs more than the rest.
    const wake = (): void => waiting.abort("woken");
    this.#wake = wake;
    signal.addEventListener("abort", wake, { once: true });
    await sleep(this.#deps.timers, "picture.next-look", pauseMs, waiting.signal);
    signal.removeEventListener("abort", wake);
  }

  /** After a change, while a single colour is not yet confirmed, and every `CAPTURE_EVERY_ROUNDS`. */
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
    // A capture behind an output that is off proves the renderer as a frame does.
    if (finding.kind === "alive" || finding.kind === "dark") {
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

  /** The shell's answer; `late` when it misses its deadline or the watch ends; `broken` when it throws, which would be a bug. */
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
