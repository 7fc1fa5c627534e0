import type { Check, Diagnostics } from "../commands/services.ts";
import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { untilAborted } from "../state/until-aborted.ts";

/** Result of one check. `todo` says what to do about it. */
export type CheckAnswer = Omit<Check, "name">;

/** One check of `vitrine doctor`. */
export interface DiagnosticCheck {
  /** Short name for people: `data folder`. */
  readonly name: string;
  /** Several answers are several rows of the same name: one for each fault, with its own advice. */
  run(signal: AbortSignal): Promise<CheckAnswer | readonly CheckAnswer[]>;
}

/** A check that takes longer counts as failed. */
const CHECK_DEADLINE_MS = 15_000;

export function good(message: string): CheckAnswer {
  return { status: "ok", message };
}

export function warning(message: string, todo: string): CheckAnswer {
  return { status: "warning", message, todo };
}

export function bad(message: string, todo: string): CheckAnswer {
  return { status: "failed", message, todo };
}

export function unsupported(message: string): CheckAnswer {
  return { status: "unsupported", message };
}

/** Runs all checks at once. Each yields an answer, even one that hangs or throws; answers keep the order of the checks. */
export class CheckList implements Diagnostics {
  readonly #checks: readonly DiagnosticCheck[];
  readonly #timers: Timers;
  readonly #log: Log;

  constructor(checks: readonly DiagnosticCheck[], timers: Timers, log: Log) {
    this.#checks = checks;
    this.#timers = timers;
    this.#log = log;
  }

  async run(signal: AbortSignal): Promise<readonly Check[]> {
    const rows = await Promise.all(this.#checks.map(async (check) => [await this.#answerOf(check, signal)].flat().map((answer) => ({ name: check.name, ...answer }))));
    return rows.flat();
  }

  async #answerOf(check: DiagnosticCheck, signal: AbortSignal): Promise<CheckAnswer | readonly CheckAnswer[]> {
    try {
      const answer = await untilAborted(withDeadline(this.#timers, `check.${check.name}`, CHECK_DEADLINE_MS, check.run(signal)), signal);
      return answer ?? bad("the check was stopped", "run it again");
    } catch (thrown) {
      if (thrown instanceof TimeoutError) return bad(
        `no answer within ${CHECK_DEADLINE_MS / 1000} s`,
        "run it again; if it still does not answer, restart the device",
      );
      // A bug in one check must not hide the answers of the others.
      this.#log.error({ check: check.name, error: messageOf(thrown) }, "a check threw: a bug");
      return bad(`internal error: ${messageOf(thrown).slice(0, 300)}`, "send a support bundle");
    }
  }
}
