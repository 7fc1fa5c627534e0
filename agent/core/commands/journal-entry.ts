import type { CommandOutcome } from "../../protocol/records.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** A note that an executor journals before an effect that may end the process. */
export type IntentNote = Readonly<Record<string, string | number | boolean>>;

/** One moment on every available clock, since later only one of them may still be comparable. */
export interface Moment {
  /** The device's wall clock. It may be wrong by years, so only display and retention use it. */
  readonly wallMs: number;
  /** Boot id. */
  readonly boot: string;
  /** Milliseconds since boot; absent when the machine could not tell. Comparable across restarts of the agent. */
  readonly upMs?: number;
  /** The time that decides expiry dates: the cloud's, or the device's if synchronised and later. Absent while unknown. */
  readonly serverMs?: number;
}

/** Where an outcome is in the outbox: log id and sequence number. */
export interface HandedOver {
  readonly log: string;
  readonly seq: number;
}

/** The journaled state of one command. `final` never changes, except for `handedOver`. */
export type JournalState =
  | { readonly kind: "delivered" }
  | { readonly kind: "running"; readonly started: Moment; readonly note?: IntentNote }
  | {
      readonly kind: "final";
      readonly outcome: CommandOutcome;
      readonly finishedWallMs: number;
      readonly handedOver?: HandedOver;
    };

/** Identifies one execution. The same key is never accepted twice. */
export interface CommandKey {
  readonly id: string;
  readonly attempt: number;
}

/** Everything the journal keeps about one execution. */
export interface JournalEntry extends CommandKey {
  /** Fingerprint of the owner's command key that signed it. Each owner has their own sequence of numbers. */
  readonly owner: string;
  readonly number: number;
  /** Highest number of a cancel of this command. It is used up too, so it counts for the floor once the entry is pruned. */
  readonly cancelNumber?: number;
  /** Empty for a cancel that came before its command. */
  readonly name: string;
  /** SHA-256 (hex) of the canonical JSON of name and parameters; empty for a cancel that came before its command. */
  readonly paramsHash: string;
  readonly params: JsonObject;
  readonly received: Moment;
  /** Expiry date set by the owner; milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Time to live, counted from `received`. */
  readonly ttlMs: number;
  /** How often the agent found it running at start. */
  readonly restarts: number;
  readonly state: JournalState;
}

/** The key as text, `<id>:<attempt>`, for maps and log lines. */
export function keyText(key: CommandKey): string {
  return `${key.id}:${key.attempt}`;
}

/** The highest number used by the command or its cancels. */
export function numberUsedBy({ number, cancelNumber = 0 }: JournalEntry): number {
  return Math.max(number, cancelNumber);
}

/** The entry with the number of its cancel, if that is higher. */
export function withCancel(entry: JournalEntry, number: number): JournalEntry {
  return number <= numberUsedBy(entry) ? entry : { ...entry, cancelNumber: number };
}

/** Whether the entry is finished and handed over; only then may it be pruned. */
export function isDone(entry: JournalEntry): boolean {
  return entry.state.kind === "final" && entry.state.handedOver !== undefined;
}
