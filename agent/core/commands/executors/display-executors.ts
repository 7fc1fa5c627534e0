import { wantedBy, type DisplayParams } from "../../../protocol/commands/display.ts";
import { refusalOf, type Display } from "../../../../platform/ports/display.ts";
import { COMMANDED_PROPERTIES, compareDisplayValue, propertyRow, type CommandedProperty, type DisplayValue, type SettableValue } from "../../../../platform/ports/display-properties.ts";
import type { CommandExecutor, Execution, ExecutionContext, ExecutorTable, ResolutionContext } from "../executor.ts";
import { askAfterCrash, prove, type ExecutorTime, type Proof } from "./effect-proof.ts";

/** All of it; ten seconds before the commands' time-out. */
const WITHIN_MS = 50_000;

/** An executor for each property that has a command and that this display can set. */
export function displayExecutors(display: Display | undefined, time: ExecutorTime): ExecutorTable {
  if (display === undefined) return {};
  const names = COMMANDED_PROPERTIES.filter((property) => display.capabilities.settable[property] !== undefined);
  return Object.fromEntries(names.map((property) => [`display.${property}`, displayExecutor(property, display, time)])) as ExecutorTable;
}

/** Codes: see `prove`; the property's `noSuchValueCode` (rejected) for a value that this display does not have. */
export function displayExecutor<P extends CommandedProperty>(property: P, display: Display, time: ExecutorTime): CommandExecutor {
  const { type, wish, lookMs, command } = propertyRow(property);
  const proofOf = (wanted: SettableValue<P>): Proof<DisplayValue<P>, unknown> => ({
    part: "display",
    wanted: wish.replace("{}", String(wanted)),
    compare: (observed) => compareDisplayValue(property, wanted, observed),
    observe: async () => (await display.status())[property],
    settleMs: lookMs,
    withinMs: WITHIN_MS,
    result: (observed) => ({ [command?.result ?? property]: observed ?? (type.kind === "choice" ? "unobserved" : wanted) }),
  });
  const executor = {
    async run(params: DisplayParams<P>, context: ExecutionContext): Promise<Execution> {
      const wanted = wantedBy(property, params);
      const error = refusalOf(property, wanted, display.capabilities.settable[property]?.choices);
      if (error !== undefined) return { state: "rejected", error };
      return prove(() => display.set(property, wanted), proofOf(wanted), context, time);
    },
    resolve: (params: DisplayParams<P>, _note: unknown, context: ResolutionContext) => askAfterCrash(proofOf(wantedBy(property, params)), context, time),
  };
  return executor as unknown as CommandExecutor;
}
