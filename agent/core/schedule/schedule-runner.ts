import type { Schedule } from "../../protocol/schedule.ts";
import type { Reporter } from "../state/reporter.ts";
import { Wake } from "../../../platform/runtime/wake.ts";
import type { Clock, ClockQuality, Timers } from "../../../platform/ports/clock.ts";
import type { ClockControl } from "../../../platform/ports/host.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import type { ScheduleAnswer } from "./schedule-answer.ts";
import { WeeklySchedule } from "./weekly-schedule.ts";

export interface ScheduleRunnerDeps {
  /** The schedule in the current desired document. */
  readonly schedule: () => Schedule | undefined;
  readonly clockControl: ClockControl;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** How often the wall clock is compared with the monotonic clock. */
export const WATCH_MS = 30_000;
/** A larger change of the offset between two checks is a jump; NTP slews by less. */
export const JUMP_MS = 2_000;
/** While the clock is synchronised, its quality is asked for only every so many checks. */
const SYNCED_LOOKS = 10;
/** Shortest time between two checks. */
const LOOK_FLOOR_MS = 50;
const QUALITY_DEADLINE_MS = 5_000;

/**
 * Watches the schedule and the wall clock. Timers run on the monotonic clock and only wake it; the answer is computed anew
 * from the wall clock each time, so a clock that jumps by years causes neither a missed edge nor a burst of them. While
 * the clock has not been set since boot there is no opinion: the screen stays as it is, and the report says so.
 */
export class ScheduleRunner {
  readonly #deps: ScheduleRunnerDeps;
  readonly #changes: Emitter<ScheduleAnswer | undefined>;
  readonly #clockNews: Emitter<ClockQuality>;
  readonly #wake = new Wake();
  #knowns: readonly Known[] = [];
  #quality: ClockQuality = "unset";
  #seen = false;
  #applied: Schedule | undefined;
  #answer: ScheduleAnswer | undefined;
  /** Wall time minus monotonic time at the last check. */
  #offsetMs: number;
  #jumpCount = 0;

  constructor(deps: ScheduleRunnerDeps) {
    this.#deps = deps;
    this.#offsetMs = deps.clock.wallMs() - deps.clock.monotonicMs();
    this.#changes = Emitter.logged(deps.log, "the schedule");
    this.#clockNews = Emitter.logged(deps.log, "the schedule");
  }

  /** Calls back when the answer changes. Returns a function that unsubscribes. */
  onChange(listener: (answer: ScheduleAnswer | undefined) => void): () => void {
    return this.#changes.on(listener);
  }

  /** Calls back when the clock's quality changed or the clock jumped. Returns a function that unsubscribes. */
  onClock(listener: (quality: ClockQuality) => void): () => void {
    return this.#clockNews.on(listener);
  }

  /** Quality of the wall clock at the last check; `unset` before the first. A clock that jumped since is not `synced`. */
  quality(): ClockQuality {
    const { clock } = this.#deps;
    const jumped = Math.abs(clock.wallMs() - clock.monotonicMs() - this.#offsetMs) >= JUMP_MS;
    return jumped && this.#quality === "synced" ? "local" : this.#quality;
  }

  /** Number of jumps of the wall clock since the start. */
  jumps(): number {
    return this.#jumpCount;
  }

  readonly says = (schedule: Schedule): ScheduleAnswer => {
    const known = this.#known(schedule);
    const { compiled } = known;
    if (!compiled.ok) return { kind: "refused", error: compiled.error };
    if (this.#quality === "unset") {
      const message = "the clock has not been set since the start, so the time is unknown; nothing changes until it is set";
      return { kind: "no-opinion", why: { code: "schedule.clock-unset", message } };
    }
    const nowMs = this.#deps.clock.wallMs();
    if (known.last !== undefined && stillStands(known.last, nowMs)) return known.last.answer;
    const nextMs = compiled.value.nextEdge(nowMs);
    const answer = { kind: compiled.value.expectedAt(nowMs), ...(nextMs === undefined ? {} : { nextMs }) };
    known.last = { atMs: nowMs, answer };
    return answer;
  };

  /** The applied schedule, for the desired-state setting (see setting-keys.ts). */
  current(): Schedule | undefined {
    return this.#applied;
  }

  set(schedule: Schedule): Promise<Result<void>> {
    this.#applied = schedule;
    this.#look();
    this.#wake.ring();
    return Promise.resolve(ok(undefined));
  }

  /** Checks now; call when the desired document changed. */
  poke(): void {
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timers } = this.#deps;
    let untilAsked = 0;
    while (!signal.aborted) {
      const jumped = this.#watchClock();
      if (untilAsked <= 0 || jumped) {
        const before = this.#quality;
        this.#quality = await this.#askQuality();
        if (jumped || this.#quality !== before) this.#clockNews.emit(this.#quality);
        untilAsked = this.#quality === "synced" ? SYNCED_LOOKS : 0;
      }
      untilAsked -= 1;
      this.#look();
      const untilEdgeMs = this.#answer !== undefined && "nextMs" in this.#answer && this.#answer.nextMs !== undefined ? this.#answer.nextMs - clock.wallMs() : WATCH_MS;
      await this.#wake.wait(timers, "schedule.watch", Math.max(LOOK_FLOOR_MS, Math.min(WATCH_MS, untilEdgeMs)), signal);
    }
  }

  /** Asks the clock service. If it hangs, its last answer stands, so that the schedule is not held up. */
  async #askQuality(): Promise<ClockQuality> {
    const { clockControl, timers, log } = this.#deps;
    try {
      return await withDeadline(timers, "schedule.clock-quality", QUALITY_DEADLINE_MS, clockControl.quality());
    } catch (thrown) {
      if (!(thrown instanceof TimeoutError)) throw thrown;
      log.warn({ quality: this.#quality }, "the clock service does not answer");
      return this.#quality;
    }
  }

  #watchClock(): boolean {
    const { clock, log } = this.#deps;
    const offsetMs = clock.wallMs() - clock.monotonicMs();
    const byMs = offsetMs - this.#offsetMs;
    this.#offsetMs = offsetMs;
    if (Math.abs(byMs) < JUMP_MS) return false;
    this.#jumpCount += 1;
    log.warn({ byMs }, "the wall clock jumped");
    return true;
  }

  #look(): void {
    const schedule = this.#deps.schedule();
    if (schedule === undefined) this.#applied = undefined;
    const answer = schedule === undefined ? undefined : this.says(schedule);
    if (this.#seen && sameAnswer(answer, this.#answer)) return;
    this.#seen = true;
    this.#answer = answer;
    const { reporter } = this.#deps;
    if (answer?.kind === "on" || answer?.kind === "off") {
      reporter.set("schedule", { now: answer.kind, ...(answer.nextMs === undefined ? {} : { nextMs: answer.nextMs }) });
    } else reporter.set("schedule", { now: "none" });
    this.#changes.emit(answer);
  }

  #known(schedule: Schedule): Known {
    const known = this.#knowns.find((candidate) => candidate.schedule === schedule);
    if (known !== undefined) return known;
    const fresh: Known = { schedule, compiled: WeeklySchedule.compile(schedule, this.#deps.clockControl.zoneTable?.(schedule.timeZone)) };
    // Only two are needed: the one in force and the one just asked about.
    this.#knowns = [fresh, ...this.#knowns].slice(0, 2);
    return fresh;
  }
}

interface Known {
  readonly schedule: Schedule;
  readonly compiled: ReturnType<typeof WeeklySchedule.compile>;
  /** The last answer, valid until its edge. Asking the time-zone tables every 30 s would be most of an idle agent's work. */
  last?: { readonly atMs: number; readonly answer: ScheduleAnswer & { readonly kind: "on" | "off" } };
}

/** An answer without an edge is recomputed after this time. */
const ANSWER_AGE_MAX_MS = 86_400_000;

function stillStands(last: NonNullable<Known["last"]>, nowMs: number): boolean {
  return nowMs >= last.atMs && nowMs < (last.answer.nextMs ?? last.atMs + ANSWER_AGE_MAX_MS);
}

function sameAnswer(a: ScheduleAnswer | undefined, b: ScheduleAnswer | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const next = (answer: ScheduleAnswer): number | undefined => ("nextMs" in answer ? answer.nextMs : undefined);
  return a.kind === b.kind && next(a) === next(b);
}
