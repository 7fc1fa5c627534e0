import type { Issue } from "./result.ts";

/**
 * What was seen when the device looked. Four different answers, never merged into one:
 * unknown is not zero, unsupported is not broken, and a failure to look is not a measurement.
 */
export type Reading<T> =
  /** Seen. `atMs` is the monotonic clock at the moment of looking. */
  | { readonly kind: "ok"; readonly value: T; readonly atMs: number }
  /** This hardware has no such thing, and asking again will not help. */
  | { readonly kind: "unsupported" }
  /** Could be known in principle, is not known now (`why` is a short sentence). */
  | { readonly kind: "unknown"; readonly why: string }
  /** Looking failed. */
  | { readonly kind: "failed"; readonly error: Issue };

/**
 * What became of an effect on hardware. `attempted`, `acknowledged` and `observed` are three
 * different words: a TV may take the message and stay dark.
 */
export interface Effect<T = unknown> {
  /** True once the message or the write left us. False: nothing was tried (see `error`). */
  readonly attempted: boolean;
  /** What the hardware answered; `undefined` when it has no way to answer or stayed silent. */
  readonly acknowledged?: boolean;
  /** What was read back from the hardware afterwards, from an independent source where there is one. */
  readonly observed: Reading<T>;
  /** Why the effect was not attempted or went wrong. */
  readonly error?: Issue;
}

export function seen<T>(value: T, atMs: number): Reading<T> {
  return { kind: "ok", value, atMs };
}

export const UNSUPPORTED = { kind: "unsupported" } as const;

export function unknown(why: string): { readonly kind: "unknown"; readonly why: string } {
  return { kind: "unknown", why };
}

export function failed(error: Issue): { readonly kind: "failed"; readonly error: Issue } {
  return { kind: "failed", error };
}

/** The value, or `undefined` for anything that was not seen. For display only, never for decisions. */
export function valueOf<T>(reading: Reading<T>): T | undefined {
  return reading.kind === "ok" ? reading.value : undefined;
}
