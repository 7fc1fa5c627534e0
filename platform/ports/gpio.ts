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
  /** Another consumer (such as a kernel driver) holds the line; we cannot drive it. */
  readonly consumer?: string;
}

export interface GpioEdge {
  readonly line: string;
  readonly level: GpioLevel;
  /** Milliseconds on the monotonic clock, after debouncing. */
  readonly atMs: number;
}

/**
 * General-purpose lines. Errors: `gpio.no-such-line`, `gpio.busy` (held by another consumer),
 * `gpio.not-an-output` (it is being watched), `gpio.out-of-range` (a duration), `gpio.io` (kernel error).
 */
export interface Gpio {
  lines(): Promise<readonly GpioLineInfo[]>;
  read(line: GpioLineRef): Promise<Result<GpioLevel>>;
  /** Drives the line and returns the level read back from it. */
  write(line: GpioLineRef, level: GpioLevel): Promise<Result<GpioLevel>>;
  /** Drives `level` for `durationMs` (1 to 60,000), then the opposite level; returns the measured duration. */
  pulse(line: GpioLineRef, level: GpioLevel, durationMs: number): Promise<Result<{ readonly measuredMs: number }>>;
  /** Reports edges on an input whose new level holds for `debounceMs` (0 to 5,000). Returns a function that stops watching. */
  watch(
    line: GpioLineRef,
    options: { readonly debounceMs: number; readonly pull?: "none" | "up" | "down" },
    edge: (edge: GpioEdge) => void,
  ): Promise<Result<() => void>>;
}
