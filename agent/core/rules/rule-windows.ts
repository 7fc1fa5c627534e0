import type { Schedule } from "../../protocol/schedule.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { ZoneTable } from "../../../platform/ports/host.ts";
import type { Result } from "../../../platform/ports/result.ts";
import { canonicalJson } from "../../../platform/runtime/json.ts";
import { JUMP_MS } from "../schedule/schedule-runner.ts";
import { WeeklySchedule } from "../schedule/weekly-schedule.ts";

/** What changed since the last look. */
export interface WindowNews {
  /** It changed because the clock jumped or became known, not because time passed. */
  readonly isJump: boolean;
  readonly changed: boolean;
}

export interface RuleWindowsDeps {
  readonly clock: Clock;
  /** Whether the wall clock was set since boot. */
  clockIsSet(): boolean;
  zoneTable(timeZone: string): ZoneTable | undefined;
}

/** The weekly windows that rules name. While the clock was never set, none of them is known. */
export class RuleWindows {
  readonly #deps: RuleWindowsDeps;
  readonly #known = new Map<string, { readonly schedule: WeeklySchedule; isOn: boolean | undefined; nextMs: number | undefined }>();
  #offsetMs: number;

  constructor(deps: RuleWindowsDeps) {
    this.#deps = deps;
    this.#offsetMs = offsetOf(deps.clock);
  }

  compile(schedule: Schedule): Result<WeeklySchedule> {
    return WeeklySchedule.compile(schedule, this.#deps.zoneTable(schedule.timeZone));
  }

  /** Other windows are in force. */
  replace(schedules: readonly Schedule[]): void {
    this.#known.clear();
    for (const schedule of schedules) {
      const compiled = this.compile(schedule);
      if (compiled.ok) this.#known.set(keyOf(schedule), { schedule: compiled.value, isOn: undefined, nextMs: undefined });
    }
    this.look();
  }

  /** `undefined`: the time is not known. */
  isOn(schedule: Schedule): boolean | undefined {
    return this.#known.get(keyOf(schedule))?.isOn;
  }

  /** Judges every window by the wall clock. */
  look(): WindowNews {
    const { clock } = this.#deps;
    const offsetMs = offsetOf(clock);
    let isJump = Math.abs(offsetMs - this.#offsetMs) >= JUMP_MS;
    this.#offsetMs = offsetMs;
    let changed = false;
    const isSet = this.#deps.clockIsSet();
    const nowMs = clock.wallMs();
    for (const known of this.#known.values()) {
      if (isSet && known.isOn !== undefined && !isJump && nowMs < (known.nextMs ?? Number.POSITIVE_INFINITY)) continue;
      const isOn = isSet ? known.schedule.expectedAt(nowMs) === "on" : undefined;
      known.nextMs = isSet ? known.schedule.nextEdge(nowMs) : undefined;
      if (isOn === known.isOn) continue;
      if (isOn === undefined || known.isOn === undefined) isJump = true;
      known.isOn = isOn;
      changed = true;
    }
    return { isJump, changed };
  }

  /** Time until the next edge of a window, by the wall clock as it is now. */
  nextInMs(): number | undefined {
    const edges = [...this.#known.values()].flatMap(({ nextMs }) => nextMs ?? []);
    return edges.length === 0 ? undefined : Math.max(0, Math.min(...edges) - this.#deps.clock.wallMs());
  }
}

function keyOf({ timeZone, weekly }: Schedule): string {
  return canonicalJson({ timeZone, weekly });
}

function offsetOf(clock: Clock): number {
  return clock.wallMs() - clock.monotonicMs();
}
