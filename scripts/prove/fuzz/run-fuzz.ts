import { messageOf } from "../../../platform/ports/result.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { heapAfterGc } from "../harness/heap-after-gc.ts";
import type { FuzzTarget } from "./targets.ts";

export interface FuzzFigures {
  readonly name: string;
  readonly frames: number;
  readonly perSecond: number;
  readonly heapGrewBytes: number;
  readonly violations: readonly string[];
}

/** Allowed heap growth after the first fifth of the frames, for caches and compiled code. */
export const HEAP_GROWTH_BYTES_MAX = 6 * 1024 * 1024;
const FORGET_EVERY = 500;

/** Sends a target its frames. A violation names the frame's own seed, which reproduces it. */
export async function fuzzTarget(target: FuzzTarget, frames: number, random: SeededRandom): Promise<FuzzFigures> {
  const violations: string[] = [];
  const rejections: string[] = [];
  const onRejection = (reason: unknown): void => void rejections.push(messageOf(reason));
  process.on("unhandledRejection", onRejection);
  const startMs = performance.now();
  let heapBefore = 0;
  try {
    for (let n = 0; n < frames && violations.length < 20; n += 1) {
      try {
        await target.take(random.fork(`${target.name}-${n}`));
      } catch (thrown) {
        violations.push(`frame ${n}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message).slice(0, 600) : String(thrown)}`);
      }
      if (n % FORGET_EVERY === 0) target.forget?.();
      if (n === Math.floor(frames / 5)) heapBefore = heapOf(target);
    }
    const tookMs = performance.now() - startMs;
    const heapGrewBytes = heapOf(target) - heapBefore;
    if (heapGrewBytes > HEAP_GROWTH_BYTES_MAX) violations.push(`the heap grew by ${heapGrewBytes} bytes over ${frames} frames`);
    if (Object.keys(Object.prototype).length > 0 || "polluted" in {}) violations.push("a frame reached Object.prototype");
    violations.push(...rejections.map((text) => `unhandled rejection: ${text}`));
    return { name: target.name, frames, perSecond: Math.round((frames * 1_000) / tookMs), heapGrewBytes, violations };
  } finally {
    process.off("unhandledRejection", onRejection);
  }
}

function heapOf(target: FuzzTarget): number {
  target.forget?.();
  return heapAfterGc();
}
