import type { Autoboot } from "./autoboot.ts";
import type { SlotOutcome, SlotRecord } from "./slot-record.ts";

/** What is known at a boot. */
export interface SlotFacts {
  readonly bootId: string;
  /** The firmware was asked to try the other slot once. It stays so until the next reset, also after a confirmation. */
  readonly isTry: boolean;
  readonly autoboot: Autoboot;
  readonly record: SlotRecord | undefined;
}

export type SlotTask =
  | { readonly kind: "nothing" }
  /** This slot is to be confirmed or refused. */
  | { readonly kind: "judge"; readonly record: SlotRecord }
  /** This slot was refused, and still runs: the reboot did not come, or we ended before it. */
  | { readonly kind: "reboot"; readonly record: SlotRecord; readonly outcome: SlotOutcome }
  /** A trial is over; its outcome is to be reported. */
  | { readonly kind: "report"; readonly record: SlotRecord; readonly outcome: SlotOutcome };

/** What is to be done at this boot. Whatever step a power cut interrupted, the answer leads to one outcome. */
export function slotTask({ bootId, isTry, autoboot, record }: SlotFacts): SlotTask {
  const onTrial = isTry && autoboot.attempt !== autoboot.ordinary;
  if (record !== undefined && record.id === bootId) {
    // Also where our process was started again within the trial's own boot.
    if (onTrial && record.outcome?.state === "refused" && autoboot.ordinary !== record.to) return { kind: "reboot", record, outcome: record.outcome };
    if (record.reported === true) return { kind: "nothing" };
    if (record.outcome !== undefined) return { kind: "report", record, outcome: record.outcome };
    if (autoboot.ordinary === record.to) return { kind: "report", record, outcome: CONFIRMED };
    return { kind: "judge", record };
  }
  // A record of an earlier boot. A new try is judged first: it does not wait for an agent that may be what is wrong with it.
  const left = record === undefined || record.reported === true ? undefined : outcomeOf(record, autoboot);
  if (onTrial) {
    const earlier = record === undefined || left === undefined ? [] : [...(record.earlier ?? []), { id: record.id, outcome: left }].slice(-EARLIER_MAX);
    return { kind: "judge", record: { id: bootId, from: autoboot.ordinary, to: autoboot.attempt, ...(earlier.length > 0 && { earlier }) } };
  }
  return record === undefined || left === undefined ? { kind: "nothing" } : { kind: "report", record, outcome: left };
}

/** The record stays small, however often a slot is tried without an agent. */
const EARLIER_MAX = 8;

export const CONFIRMED: SlotOutcome = { state: "confirmed", message: "the new slot is the default now" };

/** How a trial of an earlier boot ended: as recorded, else as the firmware's file says. */
function outcomeOf({ outcome, to }: SlotRecord, autoboot: Autoboot): SlotOutcome {
  if (outcome?.state === "refused") return outcome;
  if (autoboot.ordinary === to) return CONFIRMED;
  return { state: "refused", code: "slot.not-confirmed", message: "the machine left the new slot before it was confirmed: it was reset, hung or lost its power" };
}

/** What the agent says of itself, as far as it counts. */
export interface SlotStatus {
  readonly isClaimed: boolean;
  readonly isOnline: boolean;
  /** The verdict over the screen; absent before the first one. */
  readonly verdict?: string | undefined;
  /** Whether a player host is connected. */
  readonly hasPlayer: boolean;
}
