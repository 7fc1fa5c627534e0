import type { Json } from "../../../platform/runtime/json.ts";
import { COMMANDED_PROPERTIES } from "../../../platform/ports/display-properties.ts";
import type { CommandName, CommandParams } from "../../protocol/commands/catalog.ts";
import { wantedBy } from "../../protocol/commands/display.ts";
import type { CommandExecutor, ExecutorTable, Unknown } from "./executor.ts";

const CANNOT_TELL: Unknown = { state: "unknown" };

type Setting = readonly [key: string, value: Json];

/** Which desired key a command sets by hand, and to what. */
const SETS = new Map<CommandName, (params: never) => Setting>([
  ...COMMANDED_PROPERTIES.map((property) => [`display.${property}`, (params: never): Setting => [`display.${property}`, wantedBy(property, params)]] as const),
  ["audio.volume", ({ percent }: CommandParams<"audio.volume">) => ["audio.volume", percent]],
  ["audio.mute", ({ mute }: CommandParams<"audio.mute">) => ["audio.mute", mute]],
]);

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
  for (const [name, setsOf] of SETS) {
    const executor = table[name] as CommandExecutor | undefined;
    if (executor === undefined) continue;
    const wrapped: CommandExecutor = {
      ...executor,
      run: async (params, context) => {
        const takeBack = await note(...setsOf(params as never));
        const execution = await executor.run(params, context);
        // It did not come about: nothing is overridden, and what should be on the screen is what it was before.
        if (execution.state !== "succeeded") await takeBack();
        return execution;
      },
      resolve: async (params, intent, context) => {
        const answer = (await executor.resolve?.(params, intent, context)) ?? CANNOT_TELL;
        if (answer.state === "unknown" && !context.signal.aborted) await forget(...setsOf(params as never));
        return answer;
      },
    };
    noted[name] = wrapped;
  }
  return noted;
}
