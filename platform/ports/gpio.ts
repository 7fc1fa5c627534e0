import type { Result } from "./result.ts";

export type GpioLevel = 0 | 1;

/** A line by name (`GPIO17`, `relay-1`) or by offset on the header's chip. */
export type GpioLineRef = string | number;

export interface GpioLineInfo {
  readonly name: string;
  readonly offset: number;
  readonly direction: "input" | "output";
  readonly level: GpioLevel;
  readonly pull: "none" | "up" | "down";
  /** Another user (kernel driver) holds the line; it cannot be driven by us. */
  readonly consumer?: string;
}

export interface GpioEdge {
  readonly line: string;
  readonly level: GpioLevel;
  /** Monotonic clock, after debouncing. */
  readonly atMs: number;
}

/**
 * General-purpose lines. Errors: `gpio.no-such-line`, `gpio.busy` (held by another consumer),
 * `gpio.not-an-output` (it is being watched), `gpio.out-of-range` (a duration), `gpio.io` (the kernel refused).
 */
export interface Gpio {
  lines(): Promise<readonly GpioLineInfo[]>;
  read(line: GpioLineRef): Promise<Result<GpioLevel>>;
  /** Drives the line and returns the level read back from it. */
  write(line: GpioLineRef, level: GpioLevel): Promise<Result<GpioLevel>>;
  /** Drives `level` for `durationMs` (1 to 60,000), then the opposite; returns the measured length. */
  pulse(line: GpioLineRef, level: GpioLevel, durationMs: number): Promise<Result<{ readonly measuredMs: number }>>;
  /** Edges on an input that stay for `debounceMs` (0 to 5,000). Returns its undo. */
  watch(
    line: GpioLineRef,
    options: { readonly debounceMs: number; readonly pull?: "none" | "up" | "down" },
    edge: (edge: GpioEdge) => void,
  ): Promise<Result<() => void>>;
}
