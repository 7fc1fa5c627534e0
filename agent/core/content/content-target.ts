import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { failed, seen, unknown, type Reading } from "../../../platform/ports/reading.ts";
import type { Content } from "../../protocol/content.ts";
import type { PlayerLink, PlayerStatus } from "../player/player-port.ts";
import type { KeyOutcome } from "../state/desired-key.ts";
import type { KeyTarget } from "../state/keys/setting-keys.ts";
import { sameContent, type ContentService, type ContentState } from "./content-service.ts";

/** How long to wait for the host to show new content or fail; after that it is observed again later. */
const SHOWN_WITHIN_MS = 20_000;

export interface ContentTargetDeps {
  readonly service: ContentService;
  readonly player: Pick<PlayerLink, "status" | "onStatus">;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * Applies the desired key `content`. It counts as applied once it is observed: complete on this device, and on stage by the
 * player host's report. Until then the key is pending and names what is missing.
 */
export function contentTarget({ service, player, clock, timers }: ContentTargetDeps): KeyTarget<Content> {
  const observe = (): Reading<Content> => readingOf(service.state(), player.status(), clock.monotonicMs());
  return {
    observe: () => Promise.resolve(observe()),
    apply: async (content, signal): Promise<KeyOutcome> => {
      service.want(content);
      const state = await settled(service, content, signal);
      if (state.kind === "ready") await shown(state.showing.id, player, timers, signal);
      const observed = observe();
      const error = state.kind === "preparing" ? state.lastError : observed.kind === "failed" ? observed.error : undefined;
      return { kind: "effect", effect: { attempted: true, observed, ...(error && { error }) } };
    },
  };
}

function readingOf(state: ContentState, player: PlayerStatus, nowMs: number): Reading<Content> {
  switch (state.kind) {
    case "ready":
      return onStage(state, player, nowMs);
    case "preparing":
      return unknown(state.lastError?.message ?? "the content is being fetched");
    case "none":
      return unknown("no content was set yet");
  }
}

function onStage(state: Extract<ContentState, { kind: "ready" }>, player: PlayerStatus, nowMs: number): Reading<Content> {
  if (player.kind === "absent") return unknown(`it is ready, but no player host can show it: ${player.why}`);
  const { stage } = player;
  if (stage.kind === "screen") {
    // Dark by schedule on a display that cannot be switched off: the content waits behind a black page.
    return stage.screen === "blank" ? seen(state.wanted, nowMs) : unknown(`it is ready, but our ${stage.screen} page is on`);
  }
  if (stage.content !== state.showing.id) return unknown("it is ready, but other content is still on screen");
  if (stage.kind === "failed") return failed({ code: "content.not-shown", message: stage.error });
  return stage.kind === "playing" ? seen(state.wanted, nowMs) : unknown("the player is loading it");
}

/** Settles when the host shows or fails to show the content, or after `SHOWN_WITHIN_MS`. */
function shown(id: string, player: ContentTargetDeps["player"], timers: Timers, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (status: PlayerStatus): boolean =>
      status.kind === "present" && (status.stage.kind === "playing" || status.stage.kind === "failed") && status.stage.content === id;
    const finish = (): void => {
      undo();
      timer.cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const undo = player.onStatus((status) => {
      if (done(status)) finish();
    });
    const timer = timers.after("content.shown", SHOWN_WITHIN_MS, finish);
    signal.addEventListener("abort", finish, { once: true });
    if (signal.aborted || done(player.status())) finish();
  });
}

/** Settles when the content is ready, has failed once (the service keeps retrying), or `signal` aborts. */
function settled(service: ContentService, content: Content, signal: AbortSignal): Promise<ContentState> {
  return new Promise((resolve) => {
    const done = (state: ContentState): boolean => {
      if (state.kind === "ready") return sameContent(state.wanted, content);
      return state.kind === "preparing" && sameContent(state.wanted, content) && state.lastError !== undefined;
    };
    const finish = (): void => {
      undo();
      signal.removeEventListener("abort", finish);
      resolve(service.state());
    };
    const undo = service.onChange((state) => {
      if (done(state)) finish();
    });
    signal.addEventListener("abort", finish, { once: true });
    if (signal.aborted || done(service.state())) finish();
  });
}
