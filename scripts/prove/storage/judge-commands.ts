import type { StoredRecord } from "../harness/ledger.ts";
import type { Area, Damage } from "./damages.ts";

/** What became of one command in the runs before and after the damage. */
export interface CommandSeen {
  readonly id: string;
  /** Its stage before the damage. The cloud has the outcomes of `stored` commands and the acknowledgements of all. */
  readonly stage: "stored" | "queued" | "running" | "waiting";
  /** Number of effects on the simulated hardware. */
  readonly effects: number;
  /** The state in each outcome record that arrived after the damage. */
  readonly outcomes: readonly string[];
  /** The cloud had lost its acknowledgement and sent it again. */
  readonly sentAgain: boolean;
}

const TELLS_OF_STORAGE = /^(?:storage|outbox)\./;

/** The areas whose damage excuses a missing outcome, provided that an alarm reports it. */
const LOST_WITH: Readonly<Record<CommandSeen["stage"], readonly Area[]>> = {
  stored: [],
  queued: ["outbox"],
  running: ["journal", "journal-marks"],
  waiting: ["journal", "journal-marks"],
};

/** Finds commands that ran twice, and acknowledged commands without an outcome. Pure. */
export function judgeCommands(commands: readonly CommandSeen[], damages: readonly Damage[], records: readonly StoredRecord[]): string[] {
  const hurt = (area: Area): boolean => damages.some((damage) => damage.area === area);
  const alarmed = records.some(({ alarm }) => alarm !== undefined && TELLS_OF_STORAGE.test(alarm));
  const gapped = records.reduce((sum, { gap }) => sum + (gap?.stream === "outcome" && gap.reason !== "rate" ? gap.count : 0), 0);
  // With both gone the device cannot know what has run; it can only report that.
  const nothingKnown = hurt("journal") && hurt("journal-marks") && alarmed;
  const violations: string[] = [];
  const lost = commands.filter(({ stage, outcomes }) => outcomes.length === 0 && stage !== "stored");
  for (const { id, stage, effects, outcomes, sentAgain } of commands) {
    if (effects > 1 && !nothingKnown) violations.push(`command ${id} (${stage}) had ${effects} effects`);
    // When the outbox with the waiting outcome was quarantined, a resent command is answered again, with the same outcome.
    const toldAgain = stage === "queued" && sentAgain && hurt("outbox") && alarmed && outcomes.length === 2 && new Set(outcomes).size === 1;
    if (outcomes.length > 1 && !toldAgain) violations.push(`command ${id} (${stage}) has ${outcomes.length} outcomes: ${outcomes.join(", ")}`);
  }
  for (const { id, stage } of lost) {
    if (!LOST_WITH[stage].some(hurt)) violations.push(`command ${id} (${stage}) has no outcome, although no file with it was damaged`);
    else if (!alarmed && gapped < lost.length) violations.push(`command ${id} (${stage}) has no outcome, and nothing reports a loss`);
  }
  return violations;
}
