import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { ManagedDisplay } from "../state/managed-display.ts";
import type { TvEvent, TvWatch } from "./tv-watch.ts";

export interface RemoteControlDeps {
  readonly tv: Pick<TvWatch, "onEvent">;
  readonly displays: readonly Pick<ManagedDisplay, "path" | "driver" | "output" | "lastPowerOrderMs">[];
  /** How long a choice at the display holds at most; 0: not at all. */
  readonly holdMs: number;
  /** Somebody switched the display with this key. */
  readonly chosen: (key: string, power: "on" | "standby", forMs: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A TV announces what it was told by us, too: what it says so soon after our order is its echo, not somebody's choice. */
export const ECHO_MS = 15_000;

/**
 * Hears on HDMI-CEC that somebody switched a TV by its own remote control, or that it switched itself off, and hands that on
 * as a choice by hand, so that nothing fights the person. What a TV does without saying so is a drift, and corrected.
 * Returns a function that stops it.
 */
export function watchRemoteControl({ tv, displays, holdMs, chosen, clock, log }: RemoteControlDeps): () => void {
  const onTheBus = displays.filter(({ driver }) => driver === "cec");
  if (holdMs <= 0 || onTheBus.length === 0) return () => {};
  return tv.onEvent((said) => {
    const power = powerOf(said);
    const display = onTheBus.find(({ output }) => said.output === undefined || output === undefined || output === said.output);
    if (power === undefined || display === undefined) return;
    const orderedMs = display.lastPowerOrderMs();
    if (orderedMs !== undefined && clock.monotonicMs() - orderedMs < ECHO_MS) return;
    log.info({ display: display.path, power }, "the display was switched at the display itself");
    chosen(`${display.path}.power`, power, holdMs);
  });
}

/**
 * What a TV says of its own power without being asked. It broadcasts Standby when it goes dark (HDMI 1.4b, CEC 13.3) and, since
 * CEC 2.0, its power status when that changes; a status for us alone answers a question of ours.
 */
function powerOf({ event, byTv, toAll }: TvEvent): "on" | "standby" | undefined {
  if (!byTv) return undefined;
  if (event.kind === "standby") return "standby";
  if (event.kind !== "power" || !toAll) return undefined;
  return event.power === "on" || event.power === "standby" ? event.power : undefined;
}
