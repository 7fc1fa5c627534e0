import type { DocumentStore } from "../storage/document-store.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, type JsonObject } from "../../../platform/runtime/json.ts";

export interface RebootBudgetDeps {
  readonly store: DocumentStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Id of the present boot. */
  readonly bootId: string;
  /** Most reboots within a day of running time. */
  readonly rebootsPerDay: number;
}

/** A reboot that the agent started by itself. */
export interface OwnReboot {
  readonly bootId: string;
  readonly reason: string;
  /** Wall time of the request. */
  readonly wallMs: number;
}

interface Spent {
  /** Reboots that were not earned back yet. */
  readonly used: number;
  /** Running time towards the next one. */
  readonly earnedMs: number;
  readonly last?: OwnReboot | undefined;
}

const KEY = "reboot.budget";
const DAY_MS = 86_400_000;
const REASON_MAX = 200;

/**
 * How often the agent may reboot the machine by itself. The budget survives boots and is written before each reboot; where it
 * cannot be written, there is no reboot.
 *
 * What was spent comes back with running time, not with the date: a clock that is unset or jumps neither refills nor blocks
 * the budget, and a machine that reboots all the time earns nothing.
 */
export class RebootBudget {
  readonly #deps: RebootBudgetDeps;
  #spent: Spent;
  #countedMs: number;

  private constructor(deps: RebootBudgetDeps, spent: Spent) {
    this.#deps = deps;
    this.#spent = spent;
    this.#countedMs = deps.clock.monotonicMs();
  }

  static async load(deps: RebootBudgetDeps): Promise<RebootBudget> {
    const stored = await deps.store.get(KEY);
    if (stored.ok) return new RebootBudget(deps, stored.value === undefined ? { used: 0, earnedMs: 0 } : spentOf(stored.value, deps.rebootsPerDay));
    // It may have been spent. It is earned back like a spent one.
    deps.log.error({ ...stored.error }, "the budget of reboots cannot be read and counts as spent");
    return new RebootBudget(deps, { used: deps.rebootsPerDay, earnedMs: 0 });
  }

  /** Reboots that were not earned back yet. */
  get used(): number {
    return this.#spent.used;
  }

  get isSpent(): boolean {
    return this.#spent.used >= this.#deps.rebootsPerDay;
  }

  /** The newest reboot that the agent started by itself and has not reported yet. */
  get last(): OwnReboot | undefined {
    return this.#spent.last;
  }

  /** The newest reboot has been reported. */
  async reported(): Promise<void> {
    const { last: _last, ...rest } = this.#spent;
    const written = await this.#write(rest);
    if (!written.ok) this.#deps.log.debug({ ...written.error }, "the reported reboot could not be noted and is reported again");
  }

  /** Takes one reboot and writes that down. Errors: `reboot.budget-spent`, `reboot.budget-not-written`. */
  async take(reason: string): Promise<Result<void>> {
    const { bootId, clock, rebootsPerDay } = this.#deps;
    const { used, earnedMs } = this.#counted();
    if (used >= rebootsPerDay) return fail("reboot.budget-spent", `the agent has rebooted the machine ${used} times, and may do so ${rebootsPerDay} times within a day`);
    const next = { used: used + 1, earnedMs, last: { bootId, reason: reason.slice(0, REASON_MAX), wallMs: Math.round(clock.wallMs()) } };
    const written = await this.#write(next);
    return written.ok ? ok(undefined) : fail("reboot.budget-not-written", `the budget of reboots could not be written: ${written.error.message}`);
  }

  /** Counts the time since the last call. Call it now and then; nothing is written while nothing is spent. */
  async earn(): Promise<void> {
    const next = this.#counted();
    if (this.#spent.used === 0) return;
    const written = await this.#write(next);
    if (!written.ok) this.#deps.log.debug({ ...written.error }, "the budget of reboots could not be written");
  }

  #counted(): Spent {
    const { clock, rebootsPerDay } = this.#deps;
    const nowMs = clock.monotonicMs();
    const ranMs = nowMs - this.#countedMs;
    this.#countedMs = nowMs;
    const { used, earnedMs, last } = this.#spent;
    const oneMs = DAY_MS / Math.max(1, rebootsPerDay);
    const totalMs = earnedMs + ranMs;
    const back = Math.min(used, Math.floor(totalMs / oneMs));
    this.#spent = { used: used - back, earnedMs: used === back ? 0 : totalMs - back * oneMs, last };
    return this.#spent;
  }

  async #write(next: Spent): Promise<Result<void>> {
    const { used, earnedMs, last } = next;
    const document: JsonObject = { used, earnedMs: Math.round(earnedMs), ...(last !== undefined && { last: { ...last } }) };
    const put = await this.#deps.store.put({ [KEY]: document });
    if (put.ok) this.#spent = next;
    return put;
  }
}

/** A document without a number of reboots counts as spent. */
function spentOf(stored: JsonObject, rebootsPerDay: number): Spent {
  const { used, earnedMs, last } = stored;
  const { bootId, reason, wallMs } = isJsonObject(last) ? last : {};
  return {
    used: typeof used === "number" && used >= 0 ? Math.floor(used) : rebootsPerDay,
    earnedMs: typeof earnedMs === "number" && earnedMs >= 0 ? earnedMs : 0,
    ...(typeof bootId === "string" && typeof reason === "string" && typeof wallMs === "number" && { last: { bootId, reason, wallMs } }),
  };
}
