import type { Json } from "../../../platform/runtime/json.ts";
import type { CommandExecutor, ExecutorTable, Unknown } from "./executor.ts";

const CANNOT_TELL: Unknown = { state: "unknown" };

/**
 * The same executors, but a command that sets what desired state manages is noted first, so that the reconcile
 * loop does not put it back under the hand of whoever sent it (see state/manual-overrides.ts). `forget` takes back what
 * an earlier life of the agent noted for a command of which nobody can say whether it came about.
 */
export function noteOverrides(
  table: ExecutorTable,
  note: (key: string, value: Json) => Promise<() => Promise<void>>,
  forget: (key: string, value: Json) => Promise<void>,
): ExecutorTable {
  const noted = Object.entries(table as Readonly<Record<string, CommandExecutor>>).map(([name, executor]) => [name, executor.sets === undefined ? executor : noting(executor, note, forget)] as const);
  return Object.fromEntries(noted) as ExecutorTable;
}

function noting(
  executor: CommandExecutor,
  note: (key: string, value: Json) => Promise<() => Promise<void>>,
  forget: (key: string, value: Json) => Promise<void>,
): CommandExecutor {
  return {
    ...executor,
    run: async (params, context) => {
      const setting = executor.sets?.(params);
      const takeBack = setting === undefined ? undefined : await note(...setting);
      const execution = await executor.run(params, context);
      // It did not come about: nothing is overridden, and what should be on the screen is what it was before.
      if (execution.state !== "succeeded") await takeBack?.();
      return execution;
    },
    resolve: async (params, intent, context) => {
      const answer = (await executor.resolve?.(params, intent, context)) ?? CANNOT_TELL;
      const setting = executor.sets?.(params);
      if (setting !== undefined && answer.state === "unknown" && !context.signal.aborted) await forget(...setting);
      return answer;
    },
  };
}
