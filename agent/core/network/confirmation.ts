import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { LinkStatus } from "../cloud/cloud-port.ts";
import type { ChangingLink } from "./network-change-deps.ts";

export type Confirmation = "welcomed" | "overdue" | "stopped";

/**
 * Reconnects the link and waits for a session that began after that. A surviving old connection, or a welcome already under
 * way, proves nothing about the current settings. `overdue` after `timeoutMs`; `stopped` when `signal` aborts.
 */
export function freshSession(link: ChangingLink, { clock, timers }: { readonly clock: Clock; readonly timers: Timers }, timeoutMs: number, signal: AbortSignal): Promise<Confirmation> {
  if (signal.aborted) return Promise.resolve("stopped");
  const status = link.status();
  const before = status.kind === "online" ? status.session : undefined;
  const sinceMs = clock.monotonicMs();
  return new Promise((resolve) => {
    const done = (how: Confirmation): void => {
      undo();
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      resolve(how);
    };
    const onAbort = (): void => done("stopped");
    const undo = link.onStatus((now: LinkStatus) => {
      if (now.kind === "online" && now.session !== before && now.sinceMs >= sinceMs) done("welcomed");
    });
    const timer = timers.after("network.confirm-deadline", timeoutMs, () => done("overdue"));
    signal.addEventListener("abort", onAbort, { once: true });
    // Ends a session or attempt, and brings forward an attempt that waits for its back-off.
    link.reconnect("reconnecting");
    link.nudge();
  });
}
