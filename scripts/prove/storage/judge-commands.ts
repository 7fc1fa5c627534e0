import type { StoredRecord } from "../harness/ledger.ts";
import type { Area, Damage } from "./damages.ts";

/** What became of one command, over the life before the damage and the one after it. */
export interface CommandSeen {
  readonly id: string;
  /** Where it stood before the damage. The cloud has the outcome of one that is `stored`, and the acknowledgement of all. */
  readonly stage: "stored" | "queued" | "running" | "waiting";
  /** By the simulated hardware. */
  readonly effects: number;
  /** Records of its outcome that came after the damage. */
  readonly outcomes: number;
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
  const lost = commands.filter(({ stage, outcomes }) => outcomes === 0 && stage !== "stored");
  for (const { id, stage, effects, outcomes } of commands) {
    if (effects > 1 && !nothingKnown) violations.push(`command ${id} (${stage}) had ${effects} effects`);
    if (outcomes > 1) violations.push(`command ${id} (${stage}) has ${outcomes} outcomes`);
  }
  for (const { id, stage } of lost) {
    if (!LOST_WITH[stage].some(hurt)) violations.push(`command ${id} (${stage}) has no outcome, and no file that knew of it was damaged`);
    else if (!alarmed && gapped < lost.length) violations.push(`command ${id} (${stage}) has no outcome, and nothing says that something is lost`);
  }
  return violations;
}
