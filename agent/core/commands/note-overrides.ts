import type { Json } from "../../../platform/runtime/json.ts";
import type { CommandExecutor, ExecutorTable, Unknown } from "./executor.ts";

const CANNOT_TELL: Unknown = { state: "unknown" };

/**
 * Wraps executors so that a command that sets a desired key first notes an override; otherwise the reconcile loop would
 * revert its effect (see state/manual-overrides.ts). `note` returns a function that undoes the override. `forget` removes
 * the override that a previous agent process noted for a command with an unknown outcome.
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
      // Without an effect there is nothing to override.
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
