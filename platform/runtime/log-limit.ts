import type { Clock } from "../ports/clock.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Lines of one text at once, and how long one more takes. What a loop, a page or a broken peer makes us say is said so often. */
export const SAME_LINE_BURST = 30;
export const SAME_LINE_EVERY_MS = 5_000;
/** The same for all lines together: texts may come from outside, each another one. */
export const ALL_LINES_BURST = 1_000;
export const ALL_LINES_EVERY_MS = 500;
/** Left-out lines are counted in a line of their own this long after the last, where no further line carries the count. */
export const TOLD_AFTER_MS = 60_000;
/** Texts that are told apart; a further one takes the place of who was silent for longest. */
const TEXTS_MAX = 256;

interface Lines {
  readonly bucket: TokenBucket;
  /** Lines left out since the last one that was written. */
  left: number;
}

/**
 * Bounds a log by the texts of its lines, so that no flood from outside fills the flash, pushes evidence out of the file, or costs
 * the time that answers need. Nothing is left out silently: the next line of the same text, or a line of its own, has the count.
 */
export class LogLimit {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #texts = new Map<string, Lines>();
  readonly #all: Lines;
  #toldMs: number;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
    this.#toldMs = clock.monotonicMs();
    this.#all = { bucket: new TokenBucket(clock, { burst: ALL_LINES_BURST, perSecond: 1_000 / ALL_LINES_EVERY_MS }), left: 0 };
  }

  /** Whether a line of this text may be written, and how many of its kind were left out before it. */
  admit(text: string): { readonly admitted: boolean; readonly leftOut: number } {
    const same = this.#sameAs(text);
    if (!this.#all.bucket.has() || !same.bucket.take()) {
      same.left += 1;
      return { admitted: false, leftOut: 0 };
    }
    this.#all.bucket.take();
    const leftOut = same.left;
    same.left = 0;
    return { admitted: true, leftOut };
  }

  /** Counts that no line has carried yet, by text; each is given once. Without `now` only once a while has passed since the last time. */
  untold(now = false): readonly { readonly text: string; readonly leftOut: number }[] {
    const nowMs = this.#clock.monotonicMs();
    if (!now && nowMs - this.#toldMs < TOLD_AFTER_MS) return [];
    this.#toldMs = nowMs;
    const found: { readonly text: string; readonly leftOut: number }[] = [];
    for (const [text, lines] of [...this.#texts, ["others", this.#all] as const]) {
      if (lines.left > 0) found.push({ text, leftOut: lines.left });
      lines.left = 0;
    }
    return found;
  }

  #sameAs(text: string): Lines {
    const key = text.slice(0, 200);
    const lines = this.#texts.get(key) ?? { bucket: new TokenBucket(this.#clock, { burst: SAME_LINE_BURST, perSecond: 1_000 / SAME_LINE_EVERY_MS }), left: 0 };
    // The one used last goes last.
    this.#texts.delete(key);
    this.#texts.set(key, lines);
    const [oldest] = this.#texts;
    if (this.#texts.size > TEXTS_MAX && oldest !== undefined) {
      this.#all.left += oldest[1].left;
      this.#texts.delete(oldest[0]);
    }
    return lines;
  }
}
