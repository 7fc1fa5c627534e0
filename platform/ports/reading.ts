import type { Issue } from "./result.ts";

/**
 * Result of one observation. The four kinds are never merged:
 * unknown is not zero, unsupported is not broken, and a failed observation is not a measurement.
 */
export type Reading<T> =
  /** Observed. `atMs` is the time of observation on the monotonic clock. */
  | { readonly kind: "ok"; readonly value: T; readonly atMs: number }
  /** This hardware does not have it; asking again will not help. */
  | { readonly kind: "unsupported" }
  /** Not known now, although it could be (`why` is a short sentence). */
  | { readonly kind: "unknown"; readonly why: string }
  /** The observation failed. */
  | { readonly kind: "failed"; readonly error: Issue };

/**
 * Result of an action on hardware. `attempted`, `acknowledged` and `observed` are three
 * different things: a TV may acknowledge the message and stay dark.
 */
export interface Effect<T = unknown> {
  /** True once the message or write has been sent. False if nothing was tried (see `error`). */
  readonly attempted: boolean;
  /** What the hardware answered; `undefined` if it cannot answer or did not. */
  readonly acknowledged?: boolean;
  /** What was read back from the hardware afterwards, from an independent source if there is one. */
  readonly observed: Reading<T>;
  /** Why the action was not attempted or failed. */
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

/** The value, or `undefined` if nothing was observed. For display only, never for decisions. */
export function valueOf<T>(reading: Reading<T>): T | undefined {
  return reading.kind === "ok" ? reading.value : undefined;
}
