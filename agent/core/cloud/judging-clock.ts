import type { Clock, ClockQuality } from "../../../platform/ports/clock.ts";
import type { Alarms } from "../health/alarms.ts";
import type { ServerClock } from "./server-clock.ts";

/** Alarm while the cloud's time is behind this device's synchronised clock. */
export const CLOCK_BEHIND_ALARM = "cloud.clock-behind";
/** Two clocks synchronised by NTP differ by less. */
const BEHIND_MS = 60_000;

export interface JudgingClockDeps {
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly alarms: Alarms;
  quality(): ClockQuality;
}

/**
 * The time used to check the expiry of signed commands. The cloud's time is not signed: a gateway that held a command past
 * its expiry could deliver it by reporting an earlier time. So when the device's own clock is synchronised, the later of
 * the two counts.
 */
export class JudgingClock {
  readonly #deps: JudgingClockDeps;

  constructor(deps: JudgingClockDeps) {
    this.#deps = deps;
  }

  /** Milliseconds since the epoch; `undefined` while the cloud's time is unknown and the device's clock is not synchronised. */
  nowMs(): number | undefined {
    const toldMs = this.#deps.serverClock.serverNowMs();
    if (this.#deps.quality() !== "synced") return toldMs;
    return Math.max(toldMs ?? 0, this.#deps.clock.wallMs());
  }

  /** Call when the cloud's time was learned. Raises the alarm when it is far behind: that cloud's commands may expire too early. */
  compare(): void {
    const { serverClock, clock, alarms } = this.#deps;
    const toldMs = serverClock.serverNowMs();
    if (toldMs === undefined || this.#deps.quality() !== "synced") return alarms.clear(CLOCK_BEHIND_ALARM, "this device has no synchronised clock to compare with");
    const behindMs = clock.wallMs() - toldMs - (serverClock.uncertaintyMs() ?? 0);
    if (behindMs <= BEHIND_MS) return alarms.clear(CLOCK_BEHIND_ALARM, "the cloud's time agrees with this device's");
    const message = `the cloud's time is ${Math.round(behindMs / 1000)} s behind this device's synchronised clock; commands are judged by the later of the two`;
    alarms.raise(CLOCK_BEHIND_ALARM, "warning", message, { behindMs: Math.round(behindMs) });
  }
}
