import { STREAMS } from "../../../agent/protocol/records.ts";
import type { Drawn } from "../harness/drawing-shell.ts";
import type { StoredRecord } from "../harness/ledger.ts";
import type { Damage } from "./damages.ts";
import { judgeCommands, type CommandSeen } from "./judge-commands.ts";

/** What was seen of one damaged start, from outside of the agent. */
export interface CaseSeen {
  readonly damages: readonly Damage[];
  /** How long it took to its first answer, and how long it may take. */
  readonly startMs: number;
  readonly startMsMax: number;
  /** Ids of records that were answered before the damage. */
  readonly waiting: ReadonlySet<string>;
  readonly spooled: ReadonlySet<string>;
  readonly commands: readonly CommandSeen[];
  /** What the cloud has afterwards. */
  readonly records: readonly StoredRecord[];
  readonly sameDevice: boolean;
  /** `undefined`: everything that waits was brought; else what was left. */
  readonly notBrought?: string;
  readonly hostFaults: readonly string[];
  /** The content's server could be reached. */
  readonly contentUp: boolean;
  /** What is on the screen in the end, and what the cloud was told of it. */
  readonly drawn: Drawn;
  readonly verdict: string;
}

export interface CaseVerdict {
  /** Records that were answered and did not come. */
  readonly missing: number;
  /** Of them, how many no gap record counts: an alarm alone tells of those. */
  readonly uncounted: number;
  /** How the device said that something was lost or set aside. */
  readonly said: readonly string[];
  /** Broken promises; empty is what is wanted. */
  readonly violations: readonly string[];
}

/** Alarms that say that records of the queue may be lost, and that those of the player host are. */
const TELLS_OF_QUEUE = /^(?:storage|outbox)\./;
const TELLS_OF_SPOOL = "player.records-lost";
/** Streams of what the template's page had answered: a gap of another one excuses nothing of it. */
const PAGE_STREAMS: readonly string[] = ["play", "event"];

/** Holds what was seen of a damaged start against what may be missing after such a damage. Pure. */
export function judgeCase(seen: CaseSeen): CaseVerdict {
  const violations = [...seen.hostFaults];
  const said = new Set(seen.records.flatMap(({ alarm }) => alarm ?? []));
  const there = new Set(seen.records.flatMap(({ page }) => page ?? []));
  const keysHurt = seen.damages.reduce((sum, damage) => sum + damage.keysHurt, 0);
  if (seen.startMs > seen.startMsMax) violations.push(`it answered after ${Math.round(seen.startMs)} ms`);
  if (!seen.sameDevice && keysHurt < 2) violations.push(`the device became another one (${keysHurt} of its key files was damaged)`);
  if (seen.notBrought !== undefined) violations.push(`the cloud did not get what waits: ${seen.notBrought}`);
  // Records dropped for their rate were refused to whoever offered them: such a gap excuses nothing that was answered.
  const named = seen.records.reduce((sum, { gap }) => sum + (gap === undefined || gap.reason === "rate" || !PAGE_STREAMS.includes(gap.stream) ? 0 : gap.count), 0);
  if (named > 0) said.add(`gap of ${named}`);
  const queueLost = [...seen.waiting].filter((id) => !there.has(id)).length;
  const spoolLost = [...seen.spooled].filter((id) => !there.has(id)).length;
  const hit = (...areas: readonly string[]): boolean => seen.damages.some(({ area }) => areas.includes(area));
  if (queueLost > 0 && !hit("outbox")) violations.push(`${queueLost} records are missing and no file of the outbox was damaged`);
  if (spoolLost > 0 && !hit("spool")) violations.push(`${spoolLost} records that the player host kept are missing and its file was not damaged`);
  const missing = queueLost + spoolLost;
  const told = [...said].some((code) => TELLS_OF_QUEUE.test(code));
  if (queueLost > named && !told) violations.push(`${queueLost} records are missing, ${named} are named by gaps, and no alarm says that more is lost`);
  if (spoolLost > 0 && !said.has(TELLS_OF_SPOOL)) violations.push(`${spoolLost} records that the player host kept are missing, and no alarm says so`);
  violations.push(...twice(seen.records), ...judgeCommands(seen.commands, seen.damages, seen.records), ...judgePicture(seen));
  return { missing, uncounted: Math.max(0, missing - named), said: [...said], violations };
}

function twice(records: readonly StoredRecord[]): string[] {
  return STREAMS.flatMap((stream) => {
    const ids = records.flatMap((record) => (record.stream === stream && record.page !== undefined ? [record.page] : []));
    const more = ids.length - new Set(ids).size;
    return more === 0 ? [] : [`${more} records of ${stream} came twice`];
  });
}

/** What the cloud is told when the picture is not there. */
export const BAD: readonly string[] = ["blank", "error-page", "dark", "frozen"];

/** The customer's picture is back. Where it cannot be, what is on the screen instead is told, and not called the picture. */
function judgePicture({ drawn, verdict, contentUp }: CaseSeen): string[] {
  if (drawn === "picture") return [];
  if (!BAD.includes(verdict)) return [`the screen is ${drawn} and the cloud was told "${verdict}"`];
  return contentUp ? [`the screen is ${drawn} and stays so, though the content could be fetched`] : [];
}
