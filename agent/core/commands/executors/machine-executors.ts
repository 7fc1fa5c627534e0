import type { HostPower } from "../../../../platform/ports/host.ts";
import type { Result } from "../../../../platform/ports/result.ts";
import type { CommandExecutor, Execution, ExecutionContext, NotStarted, ResolutionContext } from "../executor.ts";
import type { IntentNote } from "../journal-entry.ts";

type Boots = { readonly bootIdBefore: string; readonly bootIdAfter: string };

/** `reboot`: proved by a different boot id, never by a clock. */
export function rebootExecutor(power: HostPower): CommandExecutor<"reboot"> {
  return {
    run: ({ reason }, context) => leaveBoot(power, context, () => power.reboot(reason ?? `command ${context.id}`)),
    resolve: (_params, note, context) => compareBoots(power, note, context, "reboot"),
  };
}

/** `shutdown`: the outcome is known once the machine is switched on again. */
export function shutdownExecutor(power: HostPower): CommandExecutor<"shutdown"> {
  return {
    run: ({ reason }, context) => leaveBoot(power, context, () => power.shutdown(reason ?? `command ${context.id}`)),
    resolve: (_params, note, context) => compareBoots(power, note, context, "shutdown"),
  };
}

async function leaveBoot(
  power: HostPower,
  context: ExecutionContext,
  ask: () => Promise<Result<void>>,
): Promise<Execution<Boots>> {
  await context.intend({ bootIdBefore: await power.bootId() });
  const taken = await ask();
  if (taken.ok) return { state: "awaits-restart" };
  return {
    state: "failed",
    error: taken.error,
    effect: { attempted: true, acknowledged: false, observed: { kind: "unknown", why: "the machine is still running" } },
  };
}

/** Codes: `reboot.did-not-happen`, `shutdown.did-not-happen`. */
async function compareBoots(
  power: HostPower,
  note: IntentNote,
  context: ResolutionContext,
  what: "reboot" | "shutdown",
): Promise<Execution<Boots> | NotStarted> {
  const { bootIdBefore } = note;
  // Without the note the request was not sent.
  if (typeof bootIdBefore !== "string") return { state: "not-started" };
  const bootIdAfter = await power.bootId();
  if (bootIdAfter !== bootIdBefore) return { state: "succeeded", result: { bootIdBefore, bootIdAfter } };
  if (!context.overdue) return { state: "awaits-restart" };
  return {
    state: "failed",
    error: {
      code: `${what}.did-not-happen`,
      message: `the machine accepted the request for a ${what}, but its boot id is still ${bootIdBefore}`,
    },
    effect: { attempted: true, observed: { kind: "unknown", why: "the machine has not rebooted since the request" } },
  };
}
