import type { StageReport } from "../contract/link-messages.ts";
import type { StageState } from "./stage-state.ts";

/** The stage in the agent's words. Pure. */
export function reportStage(state: StageState): StageReport {
  const { wanted, shown, work } = state;
  if (wanted.kind !== "content") {
    if (work.kind === "no-shell") return { kind: "failed", content: wanted.kind, error: `no browser: ${work.why}` };
    return { kind: "screen", screen: wanted.kind };
  }
  const content = wanted.content.id;
  if (shown.kind === "content" && shown.content.id === content) {
    return { kind: "playing", content, sinceMs: shown.sinceMs, loads: shown.loads };
  }
  if (work.kind === "no-shell") return { kind: "failed", content, error: `no browser: ${work.why}` };
  if (state.error === undefined) return { kind: "loading", content, sinceMs: state.wantedSinceMs };
  const kept = shown.kind === "content" ? `; ${shown.content.id} stays on` : "";
  return { kind: "failed", content, error: `${state.error.code}: ${state.error.message}${kept}`.slice(0, 2000) };
}
