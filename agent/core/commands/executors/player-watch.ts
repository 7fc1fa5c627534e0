import type { Issue, Result } from "../../../../platform/ports/result.ts";
import { fail, ok } from "../../../../platform/ports/result.ts";
import { hasToldStage, type PlayerLink, type PlayerStatus } from "../../player/player-port.ts";
import type { Awaited } from "../executor.ts";
import type { ExecutorTime } from "./effect-proof.ts";

/** How long a player host is expected to return after it left, or to join after the agent started. */
const HOST_EXPECTED_MS = 60_000;
/** Shortest wait for a host, even one that has been away longer: it may just be restarting. */
const HOST_AWAITED_MS = 10_000;
/** How long a command waits for a connected host to report the stage or finish loading a page. */
const PAGE_AWAITED_MS = 20_000;

/** Awaits a player host that has joined and reported its stage. */
export function hostAwaited(player: Pick<PlayerLink, "status" | "onStatus">, time: ExecutorTime): Awaited {
  return awaited(player, time, hasToldStage);
}

/** Awaits a player host that has reported its stage and is not loading a page. */
export function pageAwaited(player: Pick<PlayerLink, "status" | "onStatus">, time: ExecutorTime): Awaited {
  return awaited(player, time, (status) => hasToldStage(status) && status.stage.kind !== "loading");
}

function awaited(player: Pick<PlayerLink, "status" | "onStatus">, time: ExecutorTime, isThere: (status: PlayerStatus) => boolean): Awaited {
  return {
    isThere: () => isThere(player.status()),
    wait: async (signal) => {
      const status = player.status();
      const expectedMs = status.kind === "absent" ? status.sinceMs + HOST_EXPECTED_MS - time.clock.monotonicMs() : PAGE_AWAITED_MS;
      const timeoutMs = Math.max(HOST_AWAITED_MS, expectedMs);
      // The result is ignored: the command reports a missing host itself.
      await awaitPlayer(player, isThere, { time, timeoutMs, signal, late: { code: "player.absent", message: "the player host did not come" } });
    },
  };
}

/** The condition of `awaitPlayer`: `true` ends the wait with success, an issue with failure; `false` continues it. */
export type PlayerGoal = (status: PlayerStatus) => boolean | Issue;

/** Waits at most `timeoutMs` until the player meets `goal`. Errors: that of `goal`, `late` after the time-out, or `command.aborted`. */
export function awaitPlayer(
  player: Pick<PlayerLink, "status" | "onStatus">,
  goal: PlayerGoal,
  wait: { readonly time: ExecutorTime; readonly timeoutMs: number; readonly signal: AbortSignal; readonly late: Issue },
): Promise<Result<PlayerStatus>> {
  return new Promise((resolve) => {
    const finish = (result: Result<PlayerStatus>): void => {
      timer.cancel();
      undo();
      wait.signal.removeEventListener("abort", onAbort);
      resolve(result);
    };
    const look = (status: PlayerStatus): void => {
      const answer = goal(status);
      if (answer === true) finish(ok(status));
      else if (answer !== false) finish({ ok: false, error: answer });
    };
    const onAbort = (): void => finish(fail("command.aborted", `stopped while waiting: ${wait.late.message}`));
    const timer = wait.time.timers.after("command.await-player", wait.timeoutMs, () => finish({ ok: false, error: wait.late }));
    const undo = player.onStatus(look);
    wait.signal.addEventListener("abort", onAbort, { once: true });
    if (wait.signal.aborted) onAbort();
    else look(player.status());
  });
}

/** The content on the screen before it is reloaded. */
export interface LoadsBefore {
  readonly instance: string;
  /** Load counter of the host; absent when no content was playing. */
  readonly loads?: number;
}

export function loadsOf(status: Extract<PlayerStatus, { kind: "present" }>): LoadsBefore {
  return status.stage.kind === "playing"
    ? { instance: status.instance, loads: status.stage.loads }
    : { instance: status.instance };
}

/** True once content was loaded after `before`: the load counter rose, or another host plays it. */
export function loadedSince(before: LoadsBefore): PlayerGoal {
  return (status) => {
    if (status.kind !== "present" || status.stage.kind !== "playing") return false;
    return status.instance !== before.instance || before.loads === undefined || status.stage.loads > before.loads;
  };
}
