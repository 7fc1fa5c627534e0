import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { LinkStatus } from "../cloud/cloud-port.ts";
import type { ChangingLink } from "./network-change-deps.ts";

export type Confirmation = "welcomed" | "overdue" | "stopped";

/**
 * Makes the link connect anew and waits for a session that began after that: an old connection that lives on, and a
 * welcome that was under way, say nothing of the settings in force now.
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
    // Ends what there is, be it open or on its way; and brings forward what waits for its back-off.
    link.reconnect("reconnecting");
    link.nudge();
  });
}
