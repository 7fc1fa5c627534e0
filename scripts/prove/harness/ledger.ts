import type { CommandFinalState, Gap, Stream } from "../../../agent/protocol/records.ts";
import type { Witnessed } from "./effects.ts";

/** What a page record's answer was. `refused`: the agent said it did not take it, and counted it. */
export type PageFate = { readonly kind: "stored" } | { readonly kind: "refused"; readonly code: string } | { readonly kind: "unanswered" };

export interface PageEntry {
  readonly id: string;
  readonly stream: "play" | "event";
  fate: PageFate;
}

export interface CommandEntry {
  readonly id: string;
  readonly name: string;
  readonly witnessed: Witnessed;
  /** For people: where in the notes its effects were looked for. */
  window?: string;
  /** Effects seen between its creation and its outcome (and after, up to the next of its lane). Filled in at the end. */
  effects?: number;
  /** What it wanted was so before it began: no effect is to be seen. */
  held?: boolean;
  /** The final state the cloud's row shows. */
  state?: CommandFinalState;
  code?: string;
}

/** A frame brought a number that another frame had given to something else. */
export interface NumberReuse {
  readonly log: string;
  readonly stream: Stream;
  readonly seq: number;
  readonly was: string;
  readonly is: string;
}

/** Kept outside of the agent: nothing in it comes from the agent's own files. */
export interface Ledger {
  readonly pages: Map<string, PageEntry>;
  readonly commands: Map<string, CommandEntry>;
  readonly reuses: NumberReuse[];
  /** What the player host was asked and told for commands, in order. */
  readonly asked: string[];
  /** What else went wrong, each a sentence. */
  readonly faults: string[];
  readonly startsMs: number[];
  kills: number;
  reboots: number;
  starts: number;
}

export function newLedger(): Ledger {
  return { pages: new Map(), commands: new Map(), reuses: [], asked: [], faults: [], startsMs: [], kills: 0, reboots: 0, starts: 0 };
}

/** One record in the cloud's store, as far as the judge wants to know it. */
export interface StoredRecord {
  readonly log: string;
  readonly stream: Stream;
  readonly seq: number;
  /** The page's own id, of plays and page events. */
  readonly page?: string;
  /** `id/attempt` of a command's outcome. */
  readonly command?: string;
  /** The state that outcome says. */
  readonly outcome?: string;
  readonly gap?: Gap;
  /** Code of an alarm that was raised. */
  readonly alarm?: string;
}

export interface Verdict {
  readonly acknowledged: number;
  readonly refused: number;
  readonly stored: number;
  readonly twice: number;
  readonly gapped: number;
  readonly holes: number;
  readonly commands: number;
  readonly states: Readonly<Record<string, number>>;
  readonly effects: number;
  /** Most effects of any one command: one is allowed. */
  readonly effectsMost: number;
  /** Broken promises; empty is what is wanted. */
  readonly violations: readonly string[];
}

/** Holds the ledger against the cloud's store. Pure. */
export function judge(ledger: Ledger, stored: readonly StoredRecord[]): Verdict {
  const violations: string[] = [...ledger.faults];
  for (const { log, stream, seq, was, is } of ledger.reuses) violations.push(`number reused: ${log} ${stream} ${seq} was ${was} and came as ${is}`);
  const gaps = stored.flatMap(({ gap }) => gap ?? []);
  const pages = judgePages(ledger, stored, gaps, violations);
  const holes = judgeNumbers(stored, gaps, violations);
  const commands = judgeCommands(ledger, stored, violations);
  return { ...pages, holes, ...commands, violations };
}

function judgePages(ledger: Ledger, stored: readonly StoredRecord[], gaps: readonly Gap[], violations: string[]) {
  const found = new Map<string, number>();
  for (const { page } of stored) if (page !== undefined) found.set(page, (found.get(page) ?? 0) + 1);
  let acknowledged = 0;
  let refused = 0;
  let twice = 0;
  const missing: Record<"play" | "event", string[]> = { play: [], event: [] };
  for (const { id, stream, fate } of ledger.pages.values()) {
    const times = found.get(id) ?? 0;
    if (times > 1) {
      twice += 1;
      violations.push(`${stream} ${id} is stored ${times} times`);
    }
    if (fate.kind === "refused") refused += 1;
    if (fate.kind !== "stored") continue;
    acknowledged += 1;
    if (times === 0) missing[stream].push(id);
  }
  for (const stream of ["play", "event"] as const) {
    // A record dropped for its rate was refused to the page, so such a gap excuses nothing that was acknowledged.
    const named = gaps.filter((gap) => gap.stream === stream && gap.reason !== "rate").reduce((sum, gap) => sum + gap.count, 0);
    if (missing[stream].length > named) {
      violations.push(`${missing[stream].length} acknowledged ${stream} records are not stored and ${named} are named by gaps: ${missing[stream].slice(0, 8).join(", ")}`);
    }
  }
  return { acknowledged, refused, twice, stored: [...found.keys()].filter((id) => ledger.pages.has(id)).length, gapped: missing.play.length + missing.event.length };
}

/** Numbers of one log rise by one; whatever is left out has to be named by a gap. Returns how many are. */
function judgeNumbers(stored: readonly StoredRecord[], gaps: readonly Gap[], violations: string[]): number {
  const byStream = new Map<string, { readonly stream: Stream; readonly seqs: Set<number>; newest: number }>();
  for (const { log, stream, seq } of stored) {
    const key = `${log} ${stream}`;
    const found = byStream.get(key) ?? { stream, seqs: new Set<number>(), newest: 0 };
    byStream.set(key, found);
    if (found.seqs.has(seq)) violations.push(`${key} ${seq} is stored twice`);
    found.seqs.add(seq);
    found.newest = Math.max(found.newest, seq);
  }
  let holes = 0;
  for (const [key, { stream, seqs, newest }] of byStream) {
    const untold: number[] = [];
    for (let seq = 1; seq < newest; seq += 1) {
      if (seqs.has(seq)) continue;
      holes += 1;
      if (!gaps.some((gap) => gap.stream === stream && (gap.from ?? Infinity) <= seq && seq <= (gap.to ?? 0))) untold.push(seq);
    }
    if (untold.length > 0) violations.push(`${key}: ${untold.length} numbers are missing and no gap names them: ${untold.slice(0, 8).join(", ")}`);
  }
  return holes;
}

function judgeCommands(ledger: Ledger, stored: readonly StoredRecord[], violations: string[]) {
  const outcomes = new Map<string, number>();
  for (const { command } of stored) if (command !== undefined) outcomes.set(command, (outcomes.get(command) ?? 0) + 1);
  const states: Record<string, number> = {};
  let effects = 0;
  let effectsMost = 0;
  for (const { id, name, state, code, effects: seen = 0, held = false, witnessed, window = "" } of ledger.commands.values()) {
    const times = outcomes.get(`${id}/1`) ?? 0;
    const key = state === "failed" && code !== undefined ? `failed (${code})` : (state ?? "open");
    states[key] = (states[key] ?? 0) + 1;
    effects += seen;
    effectsMost = Math.max(effectsMost, seen);
    if (times !== 1) violations.push(`${name} ${id} (${key}) has ${times} outcomes`);
    if (seen > 1) violations.push(`${name} ${id} (${key}) had ${seen} effects ${window}`);
    if (witnessed.kind === "none") continue;
    if (state === "succeeded" && seen === 0 && !held) violations.push(`${name} ${id} succeeded and had no effect ${window}`);
    if ((state === "rejected" || state === "expired" || state === "canceled") && seen > 0) violations.push(`${name} ${id} was ${state} and had an effect ${window}`);
  }
  return { commands: ledger.commands.size, states, effects, effectsMost };
}
