import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { VERDICTS, type Verdict } from "../../protocol/reported.ts";

export interface JudgeDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The present verdict over the screen; `undefined` before the first. */
  verdict(): Verdict | undefined;
  /** Whether a player host is connected. */
  hasPlayer(): boolean;
  /** Whether the cloud has welcomed the device and the link is up. */
  isOnline(): boolean;
}

export interface Trial {
  /** The verdict before the release. */
  readonly before: Verdict;
  /** Whether a player host was connected before the release. */
  readonly hadPlayer: boolean;
  readonly holdMs: number;
  readonly withinMs: number;
}

const LOOK_MS = 1_000;
const GOOD: ReadonlySet<Verdict> = new Set(["showing", "dark-expected"]);

/**
 * Whether a picture is as good as the one before. A bad one may stay what it was, since the cause may be a page or a cable, but may not become
 * another bad one: from "error-page" to "blank" nobody knows whether something broke.
 */
export function isAsGood(before: Verdict, now: Verdict | undefined): boolean {
  return now !== undefined && (GOOD.has(now) || now === before);
}

/** The word of a journal's note; anything else counts as unknown. */
export function verdictOf(word: unknown): Verdict {
  return VERDICTS.find((verdict) => verdict === word) ?? "unknown";
}

/**
 * Watches a release on trial. `ok` once the picture was as good as before and the cloud reached for `holdMs` without a break. A player that was
 * there has to be there again: at night, with the display off, nothing else shows that a release has lost it. Errors after `withinMs`:
 * `update.picture-worse`, `update.cloud-not-reached`; `command.aborted` when `signal` aborts first.
 */
export async function judgeTrial(deps: JudgeDeps, { before, hadPlayer, holdMs, withinMs }: Trial, signal: AbortSignal): Promise<Result<void>> {
  const startedMs = deps.clock.monotonicMs();
  let goodSinceMs: number | undefined;
  for (;;) {
    const nowMs = deps.clock.monotonicMs();
    const now = deps.verdict();
    const isPlayerLost = hadPlayer && !deps.hasPlayer();
    const isPictureGood = !isPlayerLost && isAsGood(before, now);
    if (!isPictureGood || !deps.isOnline()) goodSinceMs = undefined;
    else goodSinceMs ??= nowMs;
    if (goodSinceMs !== undefined && nowMs - goodSinceMs >= holdMs) return ok(undefined);
    if (nowMs - startedMs >= withinMs) {
      const minutes = Math.round(withinMs / 60_000);
      if (isPlayerLost) return fail("update.picture-worse", `the player was connected before the release and is not with it, after ${minutes} min`);
      return isPictureGood
        ? fail("update.cloud-not-reached", `the cloud was not reached for ${holdMs / 1000} s without a break within ${minutes} min of the trial`)
        : fail("update.picture-worse", `the screen was "${before}" before the release and is "${now ?? "not judged"}" with it, after ${minutes} min`);
    }
    if (!(await sleep(deps.timers, "update.judge", LOOK_MS, signal))) return fail("command.aborted", "stopped while the release was on trial");
  }
}
