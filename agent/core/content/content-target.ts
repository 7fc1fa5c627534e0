import type { Clock } from "../../../platform/ports/clock.ts";
import { seen, unknown, type Reading } from "../../../platform/ports/reading.ts";
import type { Content } from "../../protocol/desired.ts";
import type { KeyOutcome } from "../state/desired-key.ts";
import type { KeyTarget } from "../state/keys/setting-keys.ts";
import { sameContent, type ContentService, type ContentState } from "./content-service.ts";

/**
 * The desired key `content`, made so by the content service. `applied` means complete and checked on this
 * device and handed to the stage; whether it is on the screen is the verdict's to say.
 */
export function contentTarget(service: ContentService, clock: Clock): KeyTarget<Content> {
  const observe = (): Reading<Content> => readingOf(service.state(), clock.monotonicMs());
  return {
    observe: () => Promise.resolve(observe()),
    apply: async (content, signal): Promise<KeyOutcome> => {
      service.want(content);
      const state = await settled(service, content, signal);
      const error = state.kind === "preparing" ? state.lastError : undefined;
      return { kind: "effect", effect: { attempted: true, observed: observe(), ...(error && { error }) } };
    },
  };
}

function readingOf(state: ContentState, nowMs: number): Reading<Content> {
  switch (state.kind) {
    case "ready":
      return seen(state.wanted, nowMs);
    case "preparing":
      return unknown(state.lastError?.message ?? "the content is being fetched");
    case "none":
      return unknown("no content was wanted yet");
  }
}

/** Ends when the content is ready, has failed once (the service goes on trying), or nobody waits any more. */
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
