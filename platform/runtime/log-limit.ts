import type { Clock } from "../ports/clock.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Burst of lines with the same text, and the refill time per line. Bounds what a loop, a page or a broken peer can log. */
export const SAME_LINE_BURST = 30;
export const SAME_LINE_EVERY_MS = 5_000;
/** The same for all lines together: texts from outside may all differ. */
export const ALL_LINES_BURST = 1_000;
export const ALL_LINES_EVERY_MS = 500;
/** Minimum time between separate lines that report omitted lines whose count no later line has carried. */
export const TOLD_AFTER_MS = 60_000;
/** Number of texts tracked; a further one replaces the least recently used. */
const TEXTS_MAX = 256;

interface Lines {
  readonly bucket: TokenBucket;
  /** Lines omitted since the last one that was written. */
  left: number;
}

/**
 * Limits the rate of log lines per text, so that no flood from outside fills the flash, pushes evidence out of the file, or
 * delays answers. Nothing is omitted silently: the next line with the same text, or a separate line, carries the count.
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

  /** Whether a line with this text may be written, and how many like it were omitted before it. */
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

  /** Counts not reported yet, by text; each is returned once. Without `now`, empty until `TOLD_AFTER_MS` after the last report. */
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
    // Keep the map in order of last use.
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
