import type { Issue, Result } from "./result.ts";

export type GpioLevel = 0 | 1;

export type GpioPull = "none" | "up" | "down";

/** A line by name (`GPIO17`, `PIN11`, `relay-1`) or by offset on the header's chip. */
export type GpioLineRef = string | number;

export interface GpioLineInfo {
  readonly name: string;
  readonly offset: number;
  /** Other names of the line, such as `PIN11`. */
  readonly aliases?: readonly string[];
  /** Absent if nobody holds the line: the kernel then still tells the direction of its last holder. */
  readonly direction?: "input" | "output";
  /** Absent if the level cannot be known without claiming the line, which would change what it does. */
  readonly level?: GpioLevel;
  /** Absent if nobody has set one since boot; the line then has the board's. */
  readonly pull?: GpioPull;
  /** Another consumer (such as a kernel driver) holds the line; we can neither read nor drive it. */
  readonly consumer?: string;
  /** What the board uses the line for; we do not claim it. */
  readonly reservedFor?: string;
}

export interface GpioEdge {
  readonly line: string;
  readonly level: GpioLevel;
  /** Milliseconds on the monotonic clock, after debouncing. */
  readonly atMs: number;
}

/**
 * General-purpose lines. Errors: `gpio.no-such-line`, `gpio.busy` (held by another consumer, or watched with other settings),
 * `gpio.reserved` (the board uses the line for something else), `gpio.not-an-output` (it is being watched),
 * `gpio.out-of-range` (a duration), `gpio.no-access` (missing permission), `gpio.io` (kernel error, or the driver hangs).
 */
export interface Gpio {
  /** Claims no line. */
  lines(): Promise<Result<readonly GpioLineInfo[]>>;
  /** Reads a line. One that we do not hold is claimed for the moment of reading. */
  read(line: GpioLineRef): Promise<Result<GpioLevel>>;
  /** Drives the line, keeps driving it, and returns the level read back from it. */
  write(line: GpioLineRef, level: GpioLevel): Promise<Result<GpioLevel>>;
  /** Drives `level` for `durationMs` (1 to 60,000), then the opposite level; returns the measured duration. */
  pulse(line: GpioLineRef, level: GpioLevel, durationMs: number): Promise<Result<{ readonly measuredMs: number }>>;
  /**
   * Reports edges on an input whose new level holds for `debounceMs` (0 to 5,000). Returns a function that stops watching.
   * `ended` is called once if the hardware goes away while it is watched.
   */
  watch(
    line: GpioLineRef,
    options: { readonly debounceMs: number; readonly pull?: GpioPull },
    edge: (edge: GpioEdge) => void,
    ended?: (why: Issue) => void,
  ): Promise<Result<() => void>>;
}

/** Longest pulse and debounce time that a port accepts, in milliseconds. */
export const PULSE_MAX_MS = 60_000;
export const DEBOUNCE_MAX_MS = 5_000;

export function pulseInRange(durationMs: number): Result<void> {
  return inRange(durationMs, 1, PULSE_MAX_MS, "a pulse lasts");
}

export function debounceInRange(debounceMs: number): Result<void> {
  return inRange(debounceMs, 0, DEBOUNCE_MAX_MS, "debouncing takes");
}

function inRange(valueMs: number, min: number, max: number, what: string): Result<void> {
  if (valueMs >= min && valueMs <= max) return { ok: true, value: undefined };
  return { ok: false, error: { code: "gpio.out-of-range", message: `${what} from ${min} to ${max} ms` } };
}
