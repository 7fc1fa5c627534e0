import { wantedBy, type DisplayParams } from "../../../protocol/commands/display.ts";
import { refusalOf } from "../../../../platform/ports/display.ts";
import { COMMANDED_PROPERTIES, compareDisplayValue, propertyRow, type CommandedProperty, type DisplayValue, type SettableValue } from "../../../../platform/ports/display-properties.ts";
import { err, fail, type Issue, ok, type Result } from "../../../../platform/ports/result.ts";
import type { ManagedDisplay } from "../../state/managed-display.ts";
import type { CommandExecutor, Execution, ExecutionContext, ExecutorTable, ResolutionContext, Unknown } from "../executor.ts";
import { askAfterCrash, prove, type ExecutorTime, type Proof } from "./effect-proof.ts";

/** Limit for the whole command; ten seconds shorter than its time-out. */
const WITHIN_MS = 50_000;

export type CommandedDisplay = Pick<ManagedDisplay, "name" | "path" | "display">;

/** One executor for each property that has a command and that at least one display can set. */
export function displayExecutors(displays: readonly CommandedDisplay[], time: ExecutorTime): ExecutorTable {
  const names = COMMANDED_PROPERTIES.filter((property) => displays.some(({ display }) => display.capabilities.settable[property] !== undefined));
  return Object.fromEntries(names.map((property) => [`display.${property}`, displayExecutor(property, displays, time)])) as ExecutorTable;
}

/**
 * The parameter `display` names the display; default: the first. Codes: those of `prove`. Rejected with
 * `display.no-such-display`, `display.unsupported`, or the property's `noSuchValueCode` for a value the display does not have.
 */
export function displayExecutor<P extends CommandedProperty>(property: P, displays: readonly CommandedDisplay[], time: ExecutorTime): CommandExecutor {
  const named = (params: DisplayParams<P>): CommandedDisplay | undefined => (params.display === undefined ? displays[0] : displays.find(({ name }) => name === params.display));
  const executor = {
    lane: (params: DisplayParams<P>) => named(params)?.path ?? "display",
    sets: (params: DisplayParams<P>) => {
      const target = named(params);
      return target === undefined ? undefined : [`${target.path}.${property}`, wantedBy(property, params)];
    },
    async run(params: DisplayParams<P>, context: ExecutionContext): Promise<Execution> {
      const wanted = wantedBy(property, params);
      const target = settable(property, named(params), displays);
      const error = target.ok ? refusalOf(property, wanted, target.value.display.capabilities.settable[property]?.choices) : target.error;
      if (!target.ok || error !== undefined) return { state: "rejected", error: error ?? UNKNOWN_DISPLAY };
      const { display } = target.value;
      const done = await prove(() => display.set(property, wanted), proofOf(property, target.value, wanted), context, time);
      // What is connected now does not have the value, and nothing was tried.
      const isRefused = done.state === "failed" && done.effect?.attempted === false && done.error.code === propertyRow(property).noSuchValueCode;
      return isRefused ? { state: "rejected", error: done.error } : done;
    },
    async resolve(params: DisplayParams<P>, _note: unknown, context: ResolutionContext): Promise<Execution | Unknown> {
      const target = settable(property, named(params), displays);
      if (!target.ok) return { state: "unknown", seen: target.error.message };
      return askAfterCrash(proofOf(property, target.value, wantedBy(property, params)), context, time);
    },
  };
  return executor as unknown as CommandExecutor;
}

const UNKNOWN_DISPLAY: Issue = { code: "display.no-such-display", message: "this device has no such display" };

function settable(property: CommandedProperty, target: CommandedDisplay | undefined, all: readonly CommandedDisplay[]): Result<CommandedDisplay> {
  if (target === undefined) return err({ ...UNKNOWN_DISPLAY, hint: `It has ${all.map(({ name }) => name).join(", ")}.` });
  if (target.display.capabilities.settable[property] === undefined) return fail("display.unsupported", `${target.name}: ${propertyRow(property).lacking}`);
  return ok(target);
}

function proofOf<P extends CommandedProperty>(property: P, { display }: CommandedDisplay, wanted: SettableValue<P>): Proof<DisplayValue<P>, unknown> {
  const { type, wish, lookMs, command } = propertyRow(property);
  return {
    part: "display",
    wanted: wish.replace("{}", String(wanted)),
    compare: (observed) => compareDisplayValue(property, wanted, observed),
    observe: async () => (await display.status())[property],
    settleMs: lookMs,
    withinMs: WITHIN_MS,
    result: (observed) => ({ [command?.result ?? property]: observed ?? (type.kind === "choice" ? "unobserved" : wanted) }),
  };
}
