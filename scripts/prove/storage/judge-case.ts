import { STREAMS } from "../../../agent/protocol/records.ts";
import type { Drawn } from "../harness/drawing-shell.ts";
import type { StoredRecord } from "../harness/ledger.ts";
import type { Damage } from "./damages.ts";
import { judgeCommands, type CommandSeen } from "./judge-commands.ts";

/** Observations of one start after damage, from outside the agent. */
export interface CaseSeen {
  readonly damages: readonly Damage[];
  /** Time to its first answer, and its limit. */
  readonly startMs: number;
  readonly startMsMax: number;
  /** Ids of records acknowledged before the damage. */
  readonly waiting: ReadonlySet<string>;
  readonly spooled: ReadonlySet<string>;
  readonly commands: readonly CommandSeen[];
  /** Records in the cloud afterwards. */
  readonly records: readonly StoredRecord[];
  readonly sameDevice: boolean;
  /** What was still queued at the end; `undefined` when nothing was. */
  readonly notBrought?: string;
  readonly hostFaults: readonly string[];
  /** The content server was reachable. */
  readonly contentUp: boolean;
  /** The screen at the end, and its reported verdict. */
  readonly drawn: Drawn;
  readonly verdict: string;
}

export interface CaseVerdict {
  /** Acknowledged records that did not arrive. */
  readonly missing: number;
  /** Those of them that no gap record counts and only an alarm reports. */
  readonly uncounted: number;
  /** How the device reported lost or quarantined data. */
  readonly said: readonly string[];
  /** Empty on success. */
  readonly violations: readonly string[];
}

/** Alarms that report possibly lost records of the outbox, and lost records of the player host. */
const TELLS_OF_QUEUE = /^(?:storage|outbox)\./;
const TELLS_OF_SPOOL = "player.records-lost";
/** Streams of the template's page records. Gap records of other streams excuse none of them. */
const PAGE_STREAMS: readonly string[] = ["play", "event"];

/** Compares the observations with what may be missing after such damage. Pure. */
export function judgeCase(seen: CaseSeen): CaseVerdict {
  const violations = [...seen.hostFaults];
  const said = new Set(seen.records.flatMap(({ alarm }) => alarm ?? []));
  const there = new Set(seen.records.flatMap(({ page }) => page ?? []));
  const keysHurt = seen.damages.reduce((sum, damage) => sum + damage.keysHurt, 0);
  if (seen.startMs > seen.startMsMax) violations.push(`it answered after ${Math.round(seen.startMs)} ms`);
  if (!seen.sameDevice && keysHurt < 2) violations.push(`the device became another one (${keysHurt} of its key files was damaged)`);
  if (seen.notBrought !== undefined) violations.push(`the cloud did not get all queued records: ${seen.notBrought}`);
  // Records dropped for their rate were never acknowledged, so such a gap record excuses no loss.
  const named = seen.records.reduce((sum, { gap }) => sum + (gap === undefined || gap.reason === "rate" || !PAGE_STREAMS.includes(gap.stream) ? 0 : gap.count), 0);
  if (named > 0) said.add(`gap of ${named}`);
  const queueLost = [...seen.waiting].filter((id) => !there.has(id)).length;
  const spoolLost = [...seen.spooled].filter((id) => !there.has(id)).length;
  const hit = (...areas: readonly string[]): boolean => seen.damages.some(({ area }) => areas.includes(area));
  if (queueLost > 0 && !hit("outbox")) violations.push(`${queueLost} records are missing and no file of the outbox was damaged`);
  if (spoolLost > 0 && !hit("spool")) violations.push(`${spoolLost} records that the player host kept are missing and its file was not damaged`);
  const missing = queueLost + spoolLost;
  const told = [...said].some((code) => TELLS_OF_QUEUE.test(code));
  if (queueLost > named && !told) violations.push(`${queueLost} records are missing, ${named} are covered by gap records, and no alarm reports a further loss`);
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

/** Verdicts that report a missing picture. */
export const BAD: readonly string[] = ["blank", "error-page", "dark", "frozen"];

/** The customer's picture must be back. If that is impossible, the verdict must not claim it. */
function judgePicture({ drawn, verdict, contentUp }: CaseSeen): string[] {
  if (drawn === "picture") return [];
  if (!BAD.includes(verdict)) return [`the screen is ${drawn} and the cloud was told "${verdict}"`];
  return contentUp ? [`the screen is ${drawn} and stays so, though the content could be fetched`] : [];
}
