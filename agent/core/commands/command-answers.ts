import type { DeviceMessage, DeviceMessageOf } from "../../protocol/device-messages.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { CommandKey, JournalEntry, JournalState } from "./journal-entry.ts";

/** Commands that arrived since the start, by what became of them. */
export interface CommandCounters {
  readonly accepted: number;
  readonly known: number;
  /** Bad signature, no owner, another device's. */
  readonly unauthorized: number;
  readonly malformed: number;
  /** Old numbers, and keys that came again with other parameters. */
  readonly replayed: number;
  /** Ended without being run when they came. */
  readonly rejected: number;
  /** Not taken because there was no room or the journal could not be written. */
  readonly notTaken: number;
  readonly finished: number;
}

/** The answers the command service gives at once, and their count. */
export class CommandAnswers {
  readonly #send: (message: DeviceMessage) => boolean;
  readonly #counters: { -readonly [K in keyof CommandCounters]: number } = {
    accepted: 0,
    known: 0,
    unauthorized: 0,
    malformed: 0,
    replayed: 0,
    rejected: 0,
    notTaken: 0,
    finished: 0,
  };

  constructor(send: (message: DeviceMessage) => boolean) {
    this.#send = send;
  }

  counters(): CommandCounters {
    return { ...this.#counters };
  }

  count(what: keyof CommandCounters): void {
    this.#counters[what] += 1;
  }

  /** Where the command stands. May be lost: the cloud asks again by sending it again. */
  ack(entry: JournalEntry): void {
    this.#send({ t: "command-ack", id: entry.id, attempt: entry.attempt, state: ackState(entry.state) });
  }

  /** This key will not run, and has no outcome to show for it. */
  ackRejected(key: CommandKey): void {
    this.#send({ t: "command-ack", id: key.id, attempt: key.attempt, state: "rejected" });
  }

  error(error: Issue, about: string): void {
    const hint = error.hint === undefined ? {} : { hint: error.hint.slice(0, 1000) };
    this.#send({ t: "error", code: error.code, message: error.message.slice(0, 1000), ...hint, about });
  }
}

function ackState(state: JournalState): DeviceMessageOf<"command-ack">["state"] {
  return state.kind === "final" ? state.outcome.state : state.kind;
}
