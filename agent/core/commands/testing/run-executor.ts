import type { CommandName, CommandParams } from "../../../protocol/commands/catalog.ts";
import type { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import type { CommandExecutor, Execution, ExecutionContext, NotStarted, Unknown } from "../executor.ts";
import type { IntentNote } from "../journal-entry.ts";

/** What an executor said and asked for on the way. */
export interface Ran {
  readonly execution: Execution;
  readonly tookMs: number;
  readonly notes: readonly IntentNote[];
  readonly steps: readonly string[];
}

/** Runs one executor to its end in virtual time, which stops it after `timeoutMs` as the service would. */
export async function runExecutor<N extends CommandName>(
  executor: CommandExecutor<N> | undefined,
  params: CommandParams<N>,
  time: VirtualTime,
  timeoutMs = 60_000,
): Promise<Ran> {
  if (executor === undefined) throw new Error("this device has no such executor");
  const notes: IntentNote[] = [];
  const steps: string[] = [];
  const controller = new AbortController();
  const context: ExecutionContext = {
    id: "command-1",
    attempt: 1,
    signal: controller.signal,
    progress: (step) => steps.push(step),
    intend: (note) => {
      notes.push(note);
      return Promise.resolve();
    },
  };
  const startedMs = time.monotonicMs();
  const timer = time.after("test.time-out", timeoutMs, () => controller.abort("timed-out"));
  const execution = await time.settled(executor.run(params, context));
  timer.cancel();
  return { execution, tookMs: time.monotonicMs() - startedMs, notes, steps };
}

/** Asks one executor what became of a command that ran when the agent ended. */
export function resolveExecutor<N extends CommandName>(
  executor: CommandExecutor<N> | undefined,
  params: CommandParams<N>,
  time: VirtualTime,
  note: IntentNote = {},
): Promise<Execution | NotStarted | Unknown> {
  if (executor?.resolve === undefined) throw new Error("this command cannot be asked about");
  return time.settled(executor.resolve(params, note, { overdue: false, signal: new AbortController().signal }));
}
