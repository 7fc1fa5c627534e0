import type { Json } from "../../../platform/runtime/json.ts";
import type { CommandName, CommandParams } from "../../protocol/commands/catalog.ts";
import type { CommandExecutor, ExecutorTable, Unknown } from "./executor.ts";

const CANNOT_TELL: Unknown = { state: "unknown" };

/** Which desired key a command sets by hand, and to what. */
const SETS: { readonly [N in CommandName]?: (params: CommandParams<N>) => readonly [key: string, value: Json] } = {
  "display.power": ({ on }) => ["display.power", on ? "on" : "standby"],
  "display.input": ({ input }) => ["display.input", input],
  "display.brightness": ({ percent }) => ["display.brightness", percent],
  "display.orientation": ({ degrees }) => ["display.orientation", degrees],
  "audio.volume": ({ percent }) => ["audio.volume", percent],
  "audio.mute": ({ mute }) => ["audio.mute", mute],
};

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
  const noted: Record<string, unknown> = { ...table };
  for (const [name, setsOf] of Object.entries(SETS) as [CommandName, (params: unknown) => readonly [string, Json]][]) {
    const executor = table[name] as CommandExecutor | undefined;
    if (executor === undefined) continue;
    const wrapped: CommandExecutor = {
      ...executor,
      run: async (params, context) => {
        const takeBack = await note(...setsOf(params));
        const execution = await executor.run(params, context);
        // It did not come about: nothing is overridden, and what should be on the screen is what it was before.
        if (execution.state !== "succeeded") await takeBack();
        return execution;
      },
      resolve: async (params, intent, context) => {
        const answer = (await executor.resolve?.(params, intent, context)) ?? CANNOT_TELL;
        if (answer.state === "unknown" && !context.signal.aborted) await forget(...setsOf(params));
        return answer;
      },
    };
    noted[name] = wrapped;
  }
  return noted;
}
