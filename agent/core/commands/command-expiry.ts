import type { Issue } from "../../../platform/ports/result.ts";
import type { Moment } from "./journal-entry.ts";

/** Whether a command may still start. */
export type Expiry =
  /** `leftMs`: longest time until it expires. */
  | { readonly kind: "alive"; readonly leftMs: number }
  | { readonly kind: "expired"; readonly error: Issue }
  /**
   * The machine was off for an unknown time and no clock can be trusted. The cloud's time will decide; without it the
   * command has certainly expired after another full time to live (`leftMs`).
   */
  | { readonly kind: "unknown"; readonly leftMs: number };

/** The fields of a command that decide its expiry. */
export interface Expiring {
  readonly received: Moment;
  /** Expiry date set by the owner; milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Time to live, counted from `received`. */
  readonly ttlMs: number;
}

/**
 * Whether the command may still start at `now`. Pure. The date is compared with `serverMs` once that is known. The time to
 * live is measured by the time since boot, which setting the wall clock does not change, or else by `serverMs`.
 */
export function expiryOf(command: Expiring, now: Moment): Expiry {
  const { received, notAfterMs, ttlMs } = command;
  const untilDateMs = now.serverMs === undefined ? Number.POSITIVE_INFINITY : notAfterMs - now.serverMs;
  if (untilDateMs < 0)
    return {
      kind: "expired",
      error: { code: "command.expired", message: `not started: it expired at ${dateText(notAfterMs)}` },
    };
  const elapsedMs = elapsedSince(received, now);
  if (elapsedMs === undefined) {
    // The time at delivery is known, so the current time will give the answer.
    if (now.serverMs === undefined && received.serverMs !== undefined) return { kind: "unknown", leftMs: ttlMs };
    const message = "not started: it is unknown how long it waited while the machine was off";
    return { kind: "expired", error: { code: "command.expired", message } };
  }
  if (elapsedMs >= ttlMs) return { kind: "expired", error: expiredByAge(ttlMs) };
  return { kind: "alive", leftMs: Math.min(untilDateMs, ttlMs - elapsedMs) };
}

export function expiredByAge(ttlMs: number): Issue {
  return { code: "command.expired", message: `not started: it waited longer than its time to live of ${ttlMs} ms` };
}

/** Milliseconds between two moments; `undefined` when no trustworthy clock covers both. Never negative. */
export function elapsedSince(then: Moment, now: Moment): number | undefined {
  if (then.boot === now.boot && then.upMs !== undefined && now.upMs !== undefined) return Math.max(0, now.upMs - then.upMs);
  if (then.serverMs !== undefined && now.serverMs !== undefined) return Math.max(0, now.serverMs - then.serverMs);
  return undefined;
}

function dateText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
