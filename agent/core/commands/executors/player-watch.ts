import type { Issue, Result } from "../../../../platform/ports/result.ts";
import { fail, ok } from "../../../../platform/ports/result.ts";
import { hasToldStage, type PlayerLink, type PlayerStatus } from "../../player/player-port.ts";
import type { Awaited } from "../executor.ts";
import type { ExecutorTime } from "./effect-proof.ts";

/** How long a player host is expected to come back after it left, or after the agent started. */
const HOST_EXPECTED_MS = 60_000;
/** How long to wait for a host that has been away longer than that: it may just be starting again. */
const HOST_AWAITED_MS = 10_000;
/** How long a command meant for the page waits for a page that is loading. */
const PAGE_AWAITED_MS = 20_000;

/** The player host, joined and with its word on what is on the screen. */
export function hostAwaited(player: Pick<PlayerLink, "status" | "onStatus">, time: ExecutorTime): Awaited {
  return awaited(player, time, hasToldStage);
}

/** The player host, and no page that is only just loading. */
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
      // That it did not come is for the command to tell, in its own words.
      await awaitPlayer(player, isThere, { time, timeoutMs, signal, late: { code: "player.absent", message: "the player host did not come" } });
    },
  };
}

/** What `awaitPlayer` looks for: `true` is it, an issue ends the wait, `false` waits on. */
export type PlayerGoal = (status: PlayerStatus) => boolean | Issue;

/** Waits until the player is as wanted, at most `timeoutMs`. `late` is the error when it never was. */
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

/** The content that was on the screen before a command that reloads it. */
export interface LoadsBefore {
  readonly instance: string;
  /** Absent when no content was on. */
  readonly loads?: number;
}

export function loadsOf(status: Extract<PlayerStatus, { kind: "present" }>): LoadsBefore {
  return status.stage.kind === "playing"
    ? { instance: status.instance, loads: status.stage.loads }
    : { instance: status.instance };
}

/** The content was loaded after `before`: the counter rose, or another host plays it. */
export function loadedSince(before: LoadsBefore): PlayerGoal {
  return (status) => {
    if (status.kind !== "present" || status.stage.kind !== "playing") return false;
    return status.instance !== before.instance || before.loads === undefined || status.stage.loads > before.loads;
  };
}
