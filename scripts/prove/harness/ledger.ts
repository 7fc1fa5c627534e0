import type { CommandFinalState, Gap, Stream } from "../../../agent/protocol/records.ts";
import type { Witnessed } from "./effects.ts";

/** The answer to a page record. `refused`: the agent reported that it did not take it, and counted it. */
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
  /** For people: the part of the notes that was searched for its effects. */
  window?: string;
  /** Effects between its creation and the next command of its lane. Filled in at the end. */
  effects?: number;
  /** Its goal held before it started, so that it has no visible effect. */
  held?: boolean;
  /** Its final state in the cloud. */
  state?: CommandFinalState;
  code?: string;
}

/** A sequence number that two frames gave to different records. */
export interface NumberReuse {
  readonly log: string;
  readonly stream: Stream;
  readonly seq: number;
  readonly was: string;
  readonly is: string;
}

/** Kept outside the agent, from nothing in the agent's own files. */
export interface Ledger {
  readonly pages: Map<string, PageEntry>;
  readonly commands: Map<string, CommandEntry>;
  readonly reuses: NumberReuse[];
  /** Requests and messages to the player host for commands, in order. */
  readonly asked: string[];
  /** Other violations, one sentence each. */
  readonly faults: string[];
  readonly startsMs: number[];
  kills: number;
  reboots: number;
  starts: number;
}

export function newLedger(): Ledger {
  return { pages: new Map(), commands: new Map(), reuses: [], asked: [], faults: [], startsMs: [], kills: 0, reboots: 0, starts: 0 };
}

/** The parts of a stored record that `judge` needs. */
export interface StoredRecord {
  readonly log: string;
  readonly stream: Stream;
  readonly seq: number;
  /** The page's own id, of plays and page events. */
  readonly page?: string;
  /** `id/attempt` of a command's outcome. */
  readonly command?: string;
  /** The state in that outcome. */
  readonly outcome?: string;
  readonly gap?: Gap;
  /** Code of a raised alarm. */
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
  /** Highest number of effects of one command; one is allowed. */
  readonly effectsMost: number;
  /** Empty on success. */
  readonly violations: readonly string[];
}

/** Compares the ledger with the cloud's store. Pure. */
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
    // A record dropped for its rate was never acknowledged, so such a gap record excuses no loss.
    const named = gaps.filter((gap) => gap.stream === stream && gap.reason !== "rate").reduce((sum, gap) => sum + gap.count, 0);
    if (missing[stream].length > named) {
      violations.push(`${missing[stream].length} acknowledged ${stream} records are not stored, and gap records cover ${named}: ${missing[stream].slice(0, 8).join(", ")}`);
    }
  }
  return { acknowledged, refused, twice, stored: [...found.keys()].filter((id) => ledger.pages.has(id)).length, gapped: missing.play.length + missing.event.length };
}

/** Sequence numbers of a log rise by one; gap records must cover missing ones. Returns the number missing. */
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
    if (untold.length > 0) violations.push(`${key}: ${untold.length} sequence numbers are missing without a gap record: ${untold.slice(0, 8).join(", ")}`);
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
