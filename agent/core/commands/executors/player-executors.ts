import type { HostRequest } from "../../../../player-host/contract/link-messages.ts";
import type { Issue } from "../../../../platform/ports/result.ts";
import { hasToldStage, type PlayerLink, type PlayerStatus } from "../../player/player-port.ts";
import type { CommandExecutor, Execution, ExecutionContext, NotStarted, ResolutionContext, Unknown } from "../executor.ts";
import type { IntentNote } from "../journal-entry.ts";
import type { ExecutorTime } from "./effect-proof.ts";
import { awaitPlayer, hostAwaited, loadedSince, loadsOf, pageAwaited } from "./player-watch.ts";

/** The host answers requests at once; the effect is then observed in its status. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Shorter than the command's time-out, which could not report the cause. */
const MESSAGE_TIMEOUT_MS = 4_000;
const RELOAD_WITHIN_MS = 35_000;
const CLEARED_WITHIN_MS = 50_000;
const RESTARTED_WITHIN_MS = 55_000;
const IDENTIFY_DEFAULT_MS = 15_000;
/** After a crash: limit for the host to reconnect and to finish the request. */
const BACK_WITHIN_MS = 20_000;

/** Errors after which the request may have been carried out, or may yet be. */
const UNANSWERED: ReadonlySet<string> = new Set(["player.timeout", "player.gone"]);

type Failed = Extract<Execution, { state: "failed" }>;

/** Codes: `player.absent`, `player.no-content`, `player.not-reloaded`, `outcome-unknown`, or the host's own. */
export function reloadPlayerExecutor(player: PlayerLink, time: ExecutorTime): CommandExecutor<"reload-player"> {
  return {
    awaits: hostAwaited(player, time),
    run: ({ ignoreCache }, context) =>
      loadAnew(player, time, context, { do: "reload", ignoreCache: ignoreCache ?? false }, RELOAD_WITHIN_MS),
    resolve: (_params, note, context) => wasLoadedAnew(player, time, note, context),
  };
}

/** Codes: as `reload-player`. */
export function clearCacheExecutor(player: PlayerLink, time: ExecutorTime): CommandExecutor<"content.clear-cache"> {
  return {
    awaits: hostAwaited(player, time),
    run: ({ storage }, context) =>
      loadAnew(player, time, context, { do: "clear-cache", storage: storage ?? false }, CLEARED_WITHIN_MS),
    resolve: (_params, note, context) => wasLoadedAnew(player, time, note, context),
  };
}

async function loadAnew(
  player: PlayerLink,
  time: ExecutorTime,
  context: ExecutionContext,
  request: HostRequest,
  timeoutMs: number,
): Promise<Execution<{ loadedInMs: number }>> {
  const status = player.status();
  if (status.kind === "absent") return failedWith(absent(status));
  if (status.stage.kind === "screen") {
    return failedWith({
      code: "player.no-content",
      message: `the screen shows our own ${status.stage.screen} page; there is no content to load`,
    });
  }
  const before = loadsOf(status);
  await context.intend({ instanceBefore: before.instance, ...(before.loads === undefined ? {} : { loadsBefore: before.loads }) });
  const startedMs = time.clock.monotonicMs();
  const asked = await player.request(request, REQUEST_TIMEOUT_MS);
  if (!asked.ok) return notTaken(asked.error);
  context.progress("loading");
  const late: Issue = {
    code: "player.not-reloaded",
    message: `the content did not load again within ${timeoutMs} ms; what was on the screen may still be there`,
  };
  const loaded = await awaitPlayer(player, loadedSince(before), { time, timeoutMs, signal: context.signal, late });
  if (!loaded.ok) return failedWith(withStage(loaded.error, player.status()));
  return { state: "succeeded", result: { loadedInMs: Math.round(time.clock.monotonicMs() - startedMs) } };
}

/** Succeeds when the content was loaded after the note, by this command or for another reason. */
async function wasLoadedAnew(
  player: PlayerLink,
  time: ExecutorTime,
  { instanceBefore, loadsBefore }: IntentNote,
  context: ResolutionContext,
): Promise<Execution<{ loadedInMs?: number }> | NotStarted | Unknown> {
  // Without the note the request was not sent.
  if (typeof instanceBefore !== "string") return { state: "not-started" };
  const goal = loadedSince({ instance: instanceBefore, ...(typeof loadsBefore === "number" ? { loads: loadsBefore } : {}) });
  const late: Issue = { code: "player.not-reloaded", message: `the content did not load again within ${BACK_WITHIN_MS} ms of the agent's start` };
  const loaded = await awaitPlayer(player, goal, { time, timeoutMs: BACK_WITHIN_MS, signal: context.signal, late });
  return loaded.ok ? { state: "succeeded", result: {} } : { state: "unknown", seen: loaded.error.message };
}

/**
 * Codes: `player.absent`, `player.not-restarted`, `player.no-picture`, or the host's own. The note names the old host, so
 * that a restarted agent recognises a new one.
 */
export function restartPlayerExecutor(player: PlayerLink, time: ExecutorTime): CommandExecutor<"restart-player"> {
  return {
    awaits: hostAwaited(player, time),
    async run(_params, context) {
      const before = player.status();
      if (before.kind === "absent") return failedWith(absent(before));
      const wanted = before.stage.kind === "screen" ? "screen" : "playing";
      await context.intend({ instanceBefore: before.instance, pidBefore: before.pid, wanted });
      const asked = await player.request({ do: "restart" }, REQUEST_TIMEOUT_MS);
      // No answer is fine: the host may have ended before sending it.
      if (!asked.ok && asked.error.code !== "player.absent" && !UNANSWERED.has(asked.error.code)) return failedWith(asked.error);
      context.progress("restarting");
      const late: Issue = {
        code: "player.not-restarted",
        message: `no new player host showed the content within ${RESTARTED_WITHIN_MS} ms`,
      };
      const back = await awaitPlayer(player, (status) => isOther(status, before.instance) && status.stage.kind === wanted, {
        time,
        timeoutMs: RESTARTED_WITHIN_MS,
        signal: context.signal,
        late,
      });
      if (back.ok && back.value.kind === "present")
        return { state: "succeeded", result: { pidBefore: before.pid, pidAfter: back.value.pid } };
      const now = player.status();
      if (isOther(now, before.instance)) {
        return failedWith(
          withStage({ code: "player.no-picture", message: "a new player host is there and does not show the content" }, now),
        );
      }
      return failedWith(back.ok ? late : back.error);
    },
    async resolve(_params, { instanceBefore, pidBefore, wanted = "playing" }, { signal }) {
      // Without the note the request was not sent.
      if (typeof instanceBefore !== "string") return { state: "not-started" };
      const late: Issue = { code: "player.not-restarted", message: `no new player host showed the content within ${BACK_WITHIN_MS} ms of the agent's start` };
      const isBack = (status: PlayerStatus): boolean => isOther(status, instanceBefore) && status.stage.kind === wanted;
      const back = await awaitPlayer(player, isBack, { time, timeoutMs: BACK_WITHIN_MS, signal, late });
      if (!back.ok || back.value.kind !== "present") return { state: "unknown", seen: late.message };
      const before = typeof pidBefore === "number" ? { pidBefore } : {};
      return { state: "succeeded", result: { ...before, pidAfter: back.value.pid } };
    },
  };
}

/** `label`: the device's name, shown when the sender gives no text. Codes: `outcome-unknown`, or the host's own. */
export function identifyExecutor(player: PlayerLink, time: ExecutorTime, label: () => string): CommandExecutor<"identify"> {
  return {
    awaits: pageAwaited(player, time),
    async run({ text, durationMs }) {
      const shownMs = durationMs ?? IDENTIFY_DEFAULT_MS;
      const shown = await player.request({ do: "identify", text: text ?? label(), durationMs: shownMs }, REQUEST_TIMEOUT_MS);
      return shown.ok ? { state: "succeeded", result: { shownMs } } : notTaken(shown.error);
    },
  };
}

/**
 * Succeeds only when the host answers that it took the message. Codes: `player.absent`, `player.no-page` (no content is on
 * the screen), `outcome-unknown` (sent but not answered), or the host's own.
 */
export function pageMessageExecutor(player: PlayerLink, time: ExecutorTime): CommandExecutor<"page.message"> {
  return {
    awaits: pageAwaited(player, time),
    async run({ message }) {
      const status = player.status();
      if (status.kind === "absent") return failedWith(absent(status));
      if (status.stage.kind !== "playing" && status.stage.kind !== "loading")
        return failedWith({ code: "player.no-page", message: "no content is on the screen that could take a message" });
      const taken = await player.request({ do: "page-message", message }, MESSAGE_TIMEOUT_MS);
      return taken.ok ? { state: "succeeded", result: {} } : notTaken(taken.error);
    },
  };
}

function isOther(status: PlayerStatus, instance: string): status is Extract<PlayerStatus, { kind: "present" }> {
  return hasToldStage(status) && status.instance !== instance;
}

function absent(status: Extract<PlayerStatus, { kind: "absent" }>): Issue {
  return { code: "player.absent", message: `no player host is connected: ${status.why}` };
}

/** Adds what the player reports about the failed or pending page. */
function withStage(error: Issue, status: PlayerStatus): Issue {
  if (status.kind !== "present") return error;
  const says = status.stage.kind === "failed" ? status.stage.error : status.picture.evidence.find(({ witness }) => witness === "load")?.says;
  return says === undefined ? error : { ...error, message: `${error.message}: ${says}` };
}

/** The host's error, or `outcome-unknown` when the request was sent and not answered. */
function notTaken(error: Issue): Failed {
  if (!UNANSWERED.has(error.code)) return failedWith(error);
  return failedWith({ code: "outcome-unknown", message: `${error.message}; it may have been done, or may be done yet`, hint: "If it is still needed, send the next attempt." });
}

function failedWith(error: Issue): Failed {
  return { state: "failed", error };
}
