import type { Issue } from "../../../platform/ports/result.ts";
import type { Moment } from "./journal-entry.ts";

/** Whether a command may still start. */
export type Expiry =
  /** `leftMs`: it expires this much later at the latest. */
  | { readonly kind: "alive"; readonly leftMs: number }
  | { readonly kind: "expired"; readonly error: Issue }
  /**
   * The machine was off for an unknown time and no clock can be trusted. The answer comes with the cloud's
   * time; without it the command has certainly expired once its whole time to live has passed again.
   */
  | { readonly kind: "unknown"; readonly leftMs: number };

/** The two ways a command expires. */
export interface Expiring {
  readonly received: Moment;
  /** By the owner's clock. */
  readonly notAfterMs: number;
  /** From `received`. */
  readonly ttlMs: number;
}

/**
 * Pure. The date counts by the time that judging-clock.ts gives as `serverMs`, once that is known: the cloud's, or the device's own where that
 * is synchronised and later. The time to live counts on the time since boot, which no setting of the wall clock moves.
 */
export function expiryOf(command: Expiring, now: Moment): Expiry {
  const { received, notAfterMs, ttlMs } = command;
  const untilDateMs = now.serverMs === undefined ? Number.POSITIVE_INFINITY : notAfterMs - now.serverMs;
  if (untilDateMs < 0)
    return {
      kind: "expired",
      error: { code: "command.expired", message: `not started: it was not to start after ${dateText(notAfterMs)}` },
    };
  const elapsedMs = elapsedSince(received, now);
  if (elapsedMs === undefined) {
    // With the cloud's time at delivery the answer will come with the cloud's time now.
    if (now.serverMs === undefined && received.serverMs !== undefined) return { kind: "unknown", leftMs: ttlMs };
    const message = "not started: how long it waited while the machine was off cannot be known";
    return { kind: "expired", error: { code: "command.expired", message } };
  }
  if (elapsedMs >= ttlMs) return { kind: "expired", error: expiredByAge(ttlMs) };
  return { kind: "alive", leftMs: Math.min(untilDateMs, ttlMs - elapsedMs) };
}

export function expiredByAge(ttlMs: number): Issue {
  return { code: "command.expired", message: `not started: it waited longer than its time to live of ${ttlMs} ms` };
}

/** Milliseconds between two moments, `undefined` when no trustworthy clock saw both. Never negative. */
export function elapsedSince(then: Moment, now: Moment): number | undefined {
  if (then.boot === now.boot && then.upMs !== undefined && now.upMs !== undefined) return Math.max(0, now.upMs - then.upMs);
  if (then.serverMs !== undefined && now.serverMs !== undefined) return Math.max(0, now.serverMs - then.serverMs);
  return undefined;
}

function dateText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
