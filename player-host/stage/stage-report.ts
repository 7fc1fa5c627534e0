import type { StageReport } from "../contract/link-messages.ts";
import type { Shown, StageState } from "./stage-state.ts";

/** The stage in the agent's words. Pure. */
export function reportStage(state: StageState): StageReport {
  const { wanted, shown, work } = state;
  if (wanted.kind !== "content") {
    if (work.kind === "no-shell") return { kind: "failed", content: wanted.kind, error: `no browser: ${work.why}` };
    // What is on, and not what was asked for: the page before stays until ours has come.
    if (shown.kind === "screen") return { kind: "screen", screen: shown.screen.kind };
    if (state.error !== undefined) return { kind: "failed", content: wanted.kind, error: `${state.error.code}: ${state.error.message}${keptOn(shown)}`.slice(0, 2000) };
    return { kind: "loading", content: wanted.kind, sinceMs: state.wantedSinceMs };
  }
  const content = wanted.content.id;
  if (shown.kind === "content" && shown.content.id === content) {
    return { kind: "playing", content, sinceMs: shown.sinceMs, loads: shown.loads };
  }
  if (work.kind === "no-shell") return { kind: "failed", content, error: `no browser: ${work.why}` };
  if (state.error === undefined) return { kind: "loading", content, sinceMs: state.wantedSinceMs };
  return { kind: "failed", content, error: `${state.error.code}: ${state.error.message}${keptOn(shown)}`.slice(0, 2000) };
}

function keptOn(shown: Shown): string {
  return shown.kind === "content" ? `; ${shown.content.id} stays on` : "";
}
