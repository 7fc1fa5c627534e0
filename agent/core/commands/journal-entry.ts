import type { CommandOutcome } from "../../protocol/records.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** A note an executor put on disk before an effect that may end the process. */
export type IntentNote = Readonly<Record<string, string | number | boolean>>;

/** One moment on every available clock, because any one of them may be the only one that is still meaningful later. */
export interface Moment {
  /** The device's own wall clock, for people and for retention alone: it may be wrong by years. */
  readonly wallMs: number;
  /** The boot in which it happened. */
  readonly boot: string;
  /** Milliseconds since that boot; absent when the machine could not say. Comparable across restarts of the agent. */
  readonly upMs?: number;
  /** The cloud's clock, as learnt from it; absent before the first welcome. */
  readonly serverMs?: number;
}

/** Where an outcome was put: its number in one outbox file. */
export interface HandedOver {
  readonly log: string;
  readonly seq: number;
}

/** The journaled state of one command. `final` never changes except for its hand-over. */
export type JournalState =
  | { readonly kind: "delivered" }
  | { readonly kind: "running"; readonly started: Moment; readonly note?: IntentNote }
  | {
      readonly kind: "final";
      readonly outcome: CommandOutcome;
      readonly finishedWallMs: number;
      readonly handedOver?: HandedOver;
    };

/** What identifies one execution. A key runs once, whatever happens. */
export interface CommandKey {
  readonly id: string;
  readonly attempt: number;
}

/** Everything the device keeps of one execution. */
export interface JournalEntry extends CommandKey {
  /** Fingerprint of the command key that signed it. Numbers rise per key. */
  readonly owner: string;
  readonly number: number;
  /** Number of the newest cancel that came for it: used as well, and must be known as used once the entry is forgotten. */
  readonly cancelNumber?: number;
  /** Empty for a cancel that came before its command. */
  readonly name: string;
  /** SHA-256 (hex) of the canonical JSON of name and parameters; empty for a cancel that came before its command. */
  readonly paramsHash: string;
  readonly params: JsonObject;
  readonly received: Moment;
  /** By the cloud's clock. */
  readonly notAfterMs: number;
  /** From `received`. */
  readonly ttlMs: number;
  /** How often the agent found it running after a restart. */
  readonly restarts: number;
  readonly state: JournalState;
}

/** One text per key, for maps and log lines. */
export function keyText(key: CommandKey): string {
  return `${key.id}:${key.attempt}`;
}

/** The highest number that is used up with an entry. */
export function numberUsedBy({ number, cancelNumber = 0 }: JournalEntry): number {
  return Math.max(number, cancelNumber);
}

/** The entry with a cancel that came for it noted. */
export function withCancel(entry: JournalEntry, number: number): JournalEntry {
  return number <= numberUsedBy(entry) ? entry : { ...entry, cancelNumber: number };
}

/** Whether nothing is left to do for it: only then may it be forgotten. */
export function isDone(entry: JournalEntry): boolean {
  return entry.state.kind === "final" && entry.state.handedOver !== undefined;
}
