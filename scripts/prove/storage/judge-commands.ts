import type { StoredRecord } from "../harness/ledger.ts";
import type { Area, Damage } from "./damages.ts";

/** What became of one command, over the life before the damage and the one after it. */
export interface CommandSeen {
  readonly id: string;
  /** Where it stood before the damage. The cloud has the outcome of one that is `stored`, and the acknowledgement of all. */
  readonly stage: "stored" | "queued" | "running" | "waiting";
  /** By the simulated hardware. */
  readonly effects: number;
  /** What each record of its outcome says that came after the damage. */
  readonly outcomes: readonly string[];
  /** The cloud had lost its acknowledgement and delivered it a second time. */
  readonly sentAgain: boolean;
}

const TELLS_OF_STORAGE = /^(?:storage|outbox)\./;

/** The files without which an outcome may be missing, if that is told. */
const LOST_WITH: Readonly<Record<CommandSeen["stage"], readonly Area[]>> = {
  stored: [],
  queued: ["outbox"],
  running: ["journal", "journal-marks"],
  waiting: ["journal", "journal-marks"],
};

/** Nothing is done twice, and nothing that was acknowledged ends without a word. Pure. */
export function judgeCommands(commands: readonly CommandSeen[], damages: readonly Damage[], records: readonly StoredRecord[]): string[] {
  const hurt = (area: Area): boolean => damages.some((damage) => damage.area === area);
  const alarmed = records.some(({ alarm }) => alarm !== undefined && TELLS_OF_STORAGE.test(alarm));
  const gapped = records.reduce((sum, { gap }) => sum + (gap?.stream === "outcome" && gap.reason !== "rate" ? gap.count : 0), 0);
  // With both gone nothing on the device knows what has run; what it can do is say so.
  const nothingKnown = hurt("journal") && hurt("journal-marks") && alarmed;
  const violations: string[] = [];
  const lost = commands.filter(({ stage, outcomes }) => outcomes.length === 0 && stage !== "stored");
  for (const { id, stage, effects, outcomes, sentAgain } of commands) {
    if (effects > 1 && !nothingKnown) violations.push(`command ${id} (${stage}) had ${effects} effects`);
    // What is delivered again is answered again where a queue that was set aside no longer says that its outcome waits: the same, under its key.
    const toldAgain = stage === "queued" && sentAgain && hurt("outbox") && alarmed && outcomes.length === 2 && new Set(outcomes).size === 1;
    if (outcomes.length > 1 && !toldAgain) violations.push(`command ${id} (${stage}) has ${outcomes.length} outcomes: ${outcomes.join(", ")}`);
  }
  for (const { id, stage } of lost) {
    if (!LOST_WITH[stage].some(hurt)) violations.push(`command ${id} (${stage}) has no outcome, and no file that knew of it was damaged`);
    else if (!alarmed && gapped < lost.length) violations.push(`command ${id} (${stage}) has no outcome, and nothing says that something is lost`);
  }
  return violations;
}
