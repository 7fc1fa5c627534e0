import * as v from "valibot";
import type { CommandDefinition } from "../../protocol/commands/definition.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { type Issue, messageOf, stackOf } from "../../../platform/ports/result.ts";
import type { StorageIssue } from "../storage/document-store.ts";
import type { CommandEvent } from "./command-state.ts";
import type { CommandExecutor, ExecutionContext, ResolutionContext, Unknown } from "./executor.ts";
import { keyText, type JournalEntry } from "./journal-entry.ts";

/** Thrown by `intend` when the command was stopped. The effect must not start. */
export class CommandStopped extends Error {
  override readonly name = "CommandStopped";
}

/** Thrown by `intend` when the journal refused the note. The effect must not start. */
export class IntentRefused extends Error {
  override readonly name = "IntentRefused";

  constructor(why: StorageIssue) {
    super(why.message);
  }
}

const CANNOT_TELL: Unknown = { state: "unknown" };

/** Runs the executor of a journaled command. Never rejects: an exception becomes an event. */
export async function execute(
  entry: JournalEntry,
  definition: CommandDefinition,
  executor: CommandExecutor,
  context: ExecutionContext,
  log: Log,
): Promise<CommandEvent> {
  const params = v.safeParse(definition.params, entry.params);
  // Fails only after a software update: the parameters were checked on arrival.
  if (!params.success) {
    const error: Issue = { code: "command.params-invalid", message: "the stored parameters do not fit this version of the agent" };
    return { t: "settled", execution: { state: "rejected", error } };
  }
  try {
    return { t: "settled", execution: await executor.run(params.output as never, context) };
  } catch (thrown) {
    if (thrown instanceof IntentRefused) {
      return { t: "intent-refused", error: { code: "command.not-journaled", message: `not tried: ${thrown.message}` } };
    }
    if (!(thrown instanceof CommandStopped)) logCrash(entry, thrown, log);
    return { t: "threw", message: messageOf(thrown) };
  }
}

/** Asks what became of a command that was running when the agent ended. Never rejects. `expired`: why it may no longer start. */
export async function askWhatBecame(
  entry: JournalEntry,
  executor: CommandExecutor,
  context: ResolutionContext,
  expired: Issue | undefined,
  log: Log,
): Promise<CommandEvent> {
  const note = entry.state.kind === "running" ? (entry.state.note ?? {}) : {};
  const late = expired === undefined ? {} : { expired };
  try {
    return { t: "resolved", answer: (await executor.resolve?.(entry.params, note, context)) ?? CANNOT_TELL, ...late };
  } catch (thrown) {
    logCrash(entry, thrown, log);
    return { t: "resolved", answer: CANNOT_TELL, ...late };
  }
}

function logCrash(entry: JournalEntry, thrown: unknown, log: Log): void {
  const error = stackOf(thrown);
  log.error({ command: keyText(entry), name: entry.name, error }, "an executor threw");
}
