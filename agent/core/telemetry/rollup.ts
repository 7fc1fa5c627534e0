import type { Rollup } from "../../protocol/records.ts";

/** Most metrics in one record. A bound is needed because the player chooses names freely. */
export const METRICS_MAX = 64;

/**
 * Collects samples into min, mean, max, last and count per metric. A metric without a sample has no entry: not measured is
 * not zero.
 */
export class RollupWindow {
  readonly #metrics = new Map<string, { min: number; max: number; sum: number; last: number; count: number }>();
  #dropped = 0;

  /** Samples dropped because there were too many metrics or the value was not finite. */
  get dropped(): number {
    return this.#dropped;
  }

  add(name: string, value: number): void {
    const metric = this.#metrics.get(name);
    if (!Number.isFinite(value) || (metric === undefined && this.#metrics.size >= METRICS_MAX)) {
      this.#dropped += 1;
      return;
    }
    if (metric === undefined) {
      this.#metrics.set(name, { min: value, max: value, sum: value, last: value, count: 1 });
      return;
    }
    metric.min = Math.min(metric.min, value);
    metric.max = Math.max(metric.max, value);
    metric.sum += value;
    metric.last = value;
    metric.count += 1;
  }

  /** The rollups since the last call, rounded; `undefined` when there were no samples. */
  take(): Readonly<Record<string, Rollup>> | undefined {
    if (this.#metrics.size === 0) return undefined;
    const entries = [...this.#metrics].map(([name, { min, max, sum, last, count }]) => {
      const mean = sum / count;
      return [name, { min: short(min), mean: short(mean), max: short(max), last: short(last), count }] as const;
    });
    this.#metrics.clear();
    return Object.fromEntries(entries);
  }
}

/** Rounds to four significant digits: finer than any of our sensors, and half the bytes on the wire. */
export function short(value: number): number {
  return Number(value.toPrecision(4));
}
