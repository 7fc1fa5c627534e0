import type { DeviceMessage, DeviceMessageOf } from "../../protocol/device-messages.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { CommandKey, JournalEntry, JournalState } from "./journal-entry.ts";

/** Number of commands and cancels since the start, by result. */
export interface CommandCounters {
  readonly accepted: number;
  readonly known: number;
  /** Bad signature, no owner, or meant for another device. */
  readonly unauthorized: number;
  readonly malformed: number;
  /** Used numbers, and known keys with another name or parameters. */
  readonly replayed: number;
  /** Journaled as ended on arrival, without running: rejected, expired or canceled. */
  readonly rejected: number;
  /** Not taken: too many commands, or the journal failed. */
  readonly notTaken: number;
  readonly finished: number;
}

/** Sends the immediate answers to commands and keeps the counters. */
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

  /** Sends the state of a command. May be lost: the cloud then sends the command again. */
  ack(entry: JournalEntry): void {
    this.#send({ t: "command-ack", id: entry.id, attempt: entry.attempt, state: ackState(entry.state) });
  }

  /** Acknowledges as rejected a key that will not run and has no outcome. */
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
