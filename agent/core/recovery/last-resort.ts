import type { Alarms } from "../health/alarms.ts";
import type { AlarmBoard } from "../health/alarm-board.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { HostPower } from "../../../platform/ports/host.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { PictureFinding } from "./picture-trouble.ts";
import type { RebootBudget } from "./reboot-budget.ts";

export interface LastResortDeps {
  readonly picture: () => PictureFinding;
  readonly budget: RebootBudget;
  /** Its reboots are certain (`certainReboot`). */
  readonly power: Pick<HostPower, "reboot">;
  readonly alarms: Pick<Alarms, "raise" | "clear"> & Pick<AlarmBoard, "happened">;
  readonly bootId: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

const LOOK_MS = 30_000;
/** Most time that two looks say something about. What happened while the agent or the machine stood still nobody saw. */
const SEEN_MAX_MS = 2 * LOOK_MS;
/** The player host's own repairs take minutes. Each reboot that is not earned back triples the time before the next. */
export const FIRST_REBOOT_MS = 20 * 60_000;
export const PAUSE_FACTOR = 3;
/** Good time in a row after which trouble is over. Less than that only counts against the time of trouble. */
export const FORGOTTEN_AFTER_MS = FIRST_REBOOT_MS;
/** How often running time is counted for the budget. */
const EARN_MS = 3_600_000;
/** Time for the alarm to reach the disk. */
const TELL_MS = 2_000;

/**
 * The last step of the ladder: reboots the machine when its picture has been gone for long and nothing else helped. Limited
 * by a budget that survives boots; when that is spent, the device stays as it is, goes on with all else, and raises an alarm.
 *
 * Trouble may come and go, as when each repair shows a picture for a moment. So good time is subtracted from the time of
 * trouble and does not end it at once; a device that is good for at least as long as it is in trouble is never rebooted.
 * Time in which there is no picture to judge, such as a planned dark screen, counts as neither.
 */
export class LastResort {
  readonly #deps: LastResortDeps;
  /** Time of trouble, less the good time in between. */
  #troubleMs = 0;
  /** Good time in a row. */
  #goodMs = 0;
  #wasTrouble = false;
  #lookedMs: number;
  #earnedMs: number;

  constructor(deps: LastResortDeps) {
    this.#deps = deps;
    this.#lookedMs = deps.clock.monotonicMs();
    this.#earnedMs = this.#lookedMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#reportLast();
    while (await sleep(this.#deps.timers, "recovery.look", LOOK_MS, signal)) await this.#look(signal);
  }

  /** After a reboot of our own: whether it happened. The reboot itself may have cut off the report before it. */
  async #reportLast(): Promise<void> {
    const { budget, bootId, alarms } = this.#deps;
    const { last } = budget;
    if (last === undefined) return;
    if (last.bootId === bootId) alarms.happened("recovery.no-reboot", "error", `the agent asked for a reboot (${last.reason}), and only the agent was restarted`);
    else alarms.happened("recovery.rebooted", "warning", `the agent rebooted the machine: ${last.reason}`, { bootIdBefore: last.bootId, used: budget.used });
    await budget.reported();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, budget, alarms } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#earnedMs >= EARN_MS) {
      this.#earnedMs = nowMs;
      await budget.earn();
    }
    const picture = this.#deps.picture();
    // A spent budget is told as early as a first reboot would come; the next reboot can come when one is earned back.
    const nextMs = FIRST_REBOOT_MS * PAUSE_FACTOR ** (budget.used - (budget.isSpent ? 1 : 0));
    const pauseMs = budget.isSpent ? FIRST_REBOOT_MS : nextMs;
    this.#count(picture.kind, nowMs, nextMs);
    if (picture.kind === "unseen") return;
    if (picture.kind === "good") {
      if (this.#troubleMs === 0) for (const code of ["reboot.budget-spent", "reboot.budget-not-written"] as const) alarms.clear(code, "the trouble is over");
      return;
    }
    if (this.#troubleMs >= pauseMs) await this.#reboot(picture.why, signal);
  }

  /** The time since the last look is trouble if both looks saw it, and good if this one saw none. More than `maxMs` is not counted. */
  #count(kind: PictureFinding["kind"], nowMs: number, maxMs: number): void {
    const passedMs = Math.min(nowMs - this.#lookedMs, SEEN_MAX_MS);
    this.#lookedMs = nowMs;
    if (kind === "trouble") {
      this.#goodMs = 0;
      if (this.#wasTrouble) this.#troubleMs = Math.min(maxMs, this.#troubleMs + passedMs);
    } else if (kind === "good") {
      this.#goodMs += passedMs;
      this.#troubleMs = this.#goodMs >= FORGOTTEN_AFTER_MS ? 0 : Math.max(0, this.#troubleMs - passedMs);
    }
    this.#wasTrouble = kind === "trouble";
  }

  async #reboot(trouble: string, signal: AbortSignal): Promise<void> {
    const { budget, power, alarms, clock, timers, log } = this.#deps;
    const taken = await budget.take(trouble);
    if (!taken.ok) {
      // Looked at again every time: the budget is earned back, and the disk may come back.
      alarms.raise(taken.error.code, "critical", `${trouble}; the machine is not rebooted: ${taken.error.message}`);
      return;
    }
    log.error({ trouble, used: budget.used }, "rebooting the machine: nothing else helped");
    alarms.happened("recovery.reboot", "error", `rebooting the machine: ${trouble}`, { used: budget.used });
    if (!(await sleep(timers, "recovery.tell", TELL_MS, signal))) return;
    const asked = await power.reboot(trouble);
    // The next try waits for longer, because this one is spent.
    this.#troubleMs = 0;
    this.#lookedMs = clock.monotonicMs();
    if (!asked.ok) alarms.happened("recovery.no-reboot", "error", `the machine refused to reboot: ${asked.error.message}`);
  }
}
