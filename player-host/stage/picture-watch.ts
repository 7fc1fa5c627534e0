import type { Clock, Timers } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import { messageOf } from "../../platform/ports/result.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import { HITS_FOR_UNIFORM, inspectSample, MISSES_FOR_FROZEN, type ContentFact, type FrameFact } from "./picture.ts";
import type { FrameFinding, Shell } from "./shell.ts";
import type { StageState } from "./stage-state.ts";

export interface PictureWatchDeps {
  readonly shell: Shell;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly stage: () => StageState;
  readonly changed: () => void;
}

/** Every 4 s a question with a deadline of 5 s: a renderer that stops is known to be frozen after 15 s at most. */
export const FRAME_EVERY_MS = 4_000;
export const FRAME_TIMEOUT_MS = 5_000;
/** A capture costs more than a frame; the picture's content is looked at on every fourth round. */
const CAPTURE_EVERY_ROUNDS = 4;
/**
 * A round takes at most a few deadlines of the shell. A watch that did not come round for this long hangs, and what it
 * saw before says nothing of the screen now.
 */
export const WATCH_STALE_MS = 60_000;

/** Asks the frame witness and looks at the picture at a modest cadence, and remembers what they said. */
export class PictureWatch {
  readonly #deps: PictureWatchDeps;
  #frame: FrameFact = { kind: "unasked" };
  #content: ContentFact = { kind: "unasked" };
  /** Rises whenever another picture comes on: an answer about the old one does not count. */
  #epoch = 0;
  #resetAskedMs = 0;
  #roundEndedMs: number;

  constructor(deps: PictureWatchDeps) {
    this.#deps = deps;
    this.#roundEndedMs = deps.clock.monotonicMs();
  }

  facts(): { readonly frame: FrameFact; readonly content: ContentFact } {
    const silentMs = this.#deps.clock.monotonicMs() - this.#roundEndedMs;
    if (silentMs <= WATCH_STALE_MS) return { frame: this.#frame, content: this.#content };
    const unknown = { kind: "unknown", why: `the watch over the picture has not come round for ${Math.round(silentMs / 1000)} s` } as const;
    return { frame: unknown, content: unknown };
  }

  pictureChanged(): void {
    this.#epoch += 1;
    this.#frame = { kind: "unasked" };
    this.#content = { kind: "unasked" };
  }

  /** True once per stretch of `forMs` in which no frame came. */
  takeFrozenFor(forMs: number): boolean {
    const frame = this.#frame;
    if (frame.kind !== "late" || frame.misses < MISSES_FOR_FROZEN) return false;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - Math.max(frame.sinceMs, this.#resetAskedMs) < forMs) return false;
    this.#resetAskedMs = nowMs;
    return true;
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let round = 0; !signal.aborted; round += 1) {
      if (this.#deps.stage().work.kind !== "no-shell") {
        await this.#askFrame();
        if (this.#wantsCapture(round) && !signal.aborted) await this.#look();
      }
      this.#roundEndedMs = this.#deps.clock.monotonicMs();
      this.#deps.changed();
      await sleep(this.#deps.timers, "picture.next-look", FRAME_EVERY_MS, signal);
    }
  }

  /** Soon after a change, and at once again while a single colour is not confirmed yet. */
  #wantsCapture(round: number): boolean {
    const content = this.#content;
    if (content.kind === "unasked") return true;
    if (content.kind === "uniform" && content.hits < HITS_FOR_UNIFORM) return true;
    return round % CAPTURE_EVERY_ROUNDS === 0;
  }

  async #askFrame(): Promise<void> {
    const epoch = this.#epoch;
    const finding = await this.#deps.shell.witnessFrame(FRAME_TIMEOUT_MS).catch(
      (thrown: unknown): FrameFinding => ({ kind: "unknown", why: messageOf(thrown) }),
    );
    if (epoch !== this.#epoch) return;
    this.#frame = this.#frameFact(finding);
  }

  #frameFact(finding: FrameFinding): FrameFact {
    if (finding.kind !== "late") return finding;
    const before = this.#frame;
    if (before.kind === "late") return { ...finding, misses: before.misses + 1, sinceMs: before.sinceMs };
    return { ...finding, misses: 1, sinceMs: this.#deps.clock.monotonicMs() - FRAME_TIMEOUT_MS };
  }

  async #look(): Promise<void> {
    const epoch = this.#epoch;
    try {
      const sample = await this.#deps.shell.sample();
      if (epoch !== this.#epoch) return;
      const hits = this.#content.kind === "uniform" ? this.#content.hits : 0;
      this.#content = sample.ok ? inspectSample(sample.value, hits) : { kind: "unknown", why: sample.error.message };
    } catch (thrown) {
      // The shell promises a result; what it throws is a bug there and must not stop the watch.
      this.#deps.log.error({ error: messageOf(thrown) }, "capture threw");
      if (epoch === this.#epoch) this.#content = { kind: "unknown", why: messageOf(thrown) };
    }
  }
}
