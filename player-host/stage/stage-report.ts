import { redactText } from "../../platform/runtime/redact.ts";
import type { StageReport } from "../contract/link-messages.ts";
import { loopEveryMs } from "./reload-loop.ts";
import type { Shown, StageState } from "./stage-state.ts";

/** Adds to the report whether the playing page is in a reload loop. `nowMs` is monotonic. Pure. */
export function withLoop(report: StageReport, state: StageState, nowMs: number): StageReport {
  return report.kind === "playing" && loopEveryMs(state.ownReloads, nowMs) !== undefined ? { ...report, looping: true } : report;
}

/** Converts the stage's state to the report for the agent. Pure. */
export function reportStage(state: StageState): StageReport {
  const { wanted, shown, work } = state;
  if (wanted.kind !== "content") {
    if (work.kind === "no-shell") return { kind: "failed", content: wanted.kind, error: `no browser: ${work.why}` };
    // Reports what is on, not what is wanted: the previous page stays until ours has loaded.
    if (shown.kind === "screen") return { kind: "screen", screen: shown.screen.kind };
    if (state.error !== undefined) return { kind: "failed", content: wanted.kind, error: redactText(`${state.error.code}: ${withKeptOn(state.error.message, shown)}`).slice(0, 2000) };
    return { kind: "loading", content: wanted.kind, sinceMs: state.wantedSinceMs };
  }
  const content = wanted.content.id;
  if ("content" in shown && shown.content.id === content) {
    const { sinceMs } = shown;
    if (shown.kind === "content" && shown.flaw !== undefined) return { kind: "failed", content, error: `${shown.flaw.code}: ${shown.flaw.message}`.slice(0, 2000) };
    if (shown.kind === "content" || state.loads > 0) return { kind: "playing", content, sinceMs, loads: state.loads };
    return { kind: "loading", content, sinceMs: state.wantedSinceMs };
  }
  if (work.kind === "no-shell") return { kind: "failed", content, error: `no browser: ${work.why}` };
  if (state.error === undefined) return { kind: "loading", content, sinceMs: state.wantedSinceMs };
  return { kind: "failed", content, error: redactText(`${state.error.code}: ${withKeptOn(state.error.message, shown)}`).slice(0, 2000) };
}

/** Adds which content stays on. A package's id is a SHA-256; only its first digits are shown. */
function withKeptOn(message: string, shown: Shown): string {
  if (!("content" in shown)) return message;
  const { id } = shown.content;
  return `${message.replace(/\.$/, "")}; ${/^[0-9a-f]{64}$/.test(id) ? `package ${id.slice(0, 8)}` : id} stays on`;
}
