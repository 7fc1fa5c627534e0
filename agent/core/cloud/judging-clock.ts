import type { Clock, ClockQuality } from "../../../platform/ports/clock.ts";
import type { Alarms } from "../health/alarms.ts";
import type { ServerClock } from "./server-clock.ts";

/** Code of the alarm while the cloud tells a time that is behind this device's synchronised clock. */
export const CLOCK_BEHIND_ALARM = "cloud.clock-behind";
/** Two clocks that are kept by NTP are nearer than this. */
const BEHIND_MS = 60_000;

export interface JudgingClockDeps {
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly alarms: Alarms;
  /** How far the device's own clock can be trusted at this moment. */
  quality(): ClockQuality;
}

/**
 * The time by which the date of a signed command is judged. What the cloud tells is not signed: a gateway that holds a command past its date
 * could deliver it by telling an older time. So where the device's own clock is synchronised the later of the two counts.
 */
export class JudgingClock {
  readonly #deps: JudgingClockDeps;

  constructor(deps: JudgingClockDeps) {
    this.#deps = deps;
  }

  /** Milliseconds since the epoch; `undefined` while neither the cloud has told the time nor the own clock is synchronised. */
  nowMs(): number | undefined {
    const toldMs = this.#deps.serverClock.serverNowMs();
    if (this.#deps.quality() !== "synced") return toldMs;
    return Math.max(toldMs ?? 0, this.#deps.clock.wallMs());
  }

  /** The cloud told its time: says when it is far behind, since commands of a cloud with such a clock expire before they start. */
  compare(): void {
    const { serverClock, clock, alarms } = this.#deps;
    const toldMs = serverClock.serverNowMs();
    if (toldMs === undefined || this.#deps.quality() !== "synced") return alarms.clear(CLOCK_BEHIND_ALARM, "this device has no synchronised clock to compare with");
    const behindMs = clock.wallMs() - toldMs - (serverClock.uncertaintyMs() ?? 0);
    if (behindMs <= BEHIND_MS) return alarms.clear(CLOCK_BEHIND_ALARM, "the cloud's time agrees with this device's");
    const message = `the cloud tells a time ${Math.round(behindMs / 1000)} s behind this device's synchronised clock; commands are judged by the later of the two`;
    alarms.raise(CLOCK_BEHIND_ALARM, "warning", message, { behindMs: Math.round(behindMs) });
  }
}
