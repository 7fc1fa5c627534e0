import { EXIT } from "../../agent/node/exit-codes.ts";
import type { ProgramEnd } from "./program.ts";

/** What the machine does after the agent has ended. */
export type AfterAgent =
  /** Start it again: at once, or after a growing pause. */
  | { readonly kind: "restart"; readonly atOnce: boolean }
  /** The machine restarts, and the player with it. `cut`: by a power cut. */
  | { readonly kind: "reboot"; readonly cut: boolean }
  /** The machine is off until it is switched on. */
  | { readonly kind: "off" }
  /** The agent stays stopped; the player continues. */
  | { readonly kind: "leave"; readonly why: string };

/**
 * Decides what follows the agent's end, as systemd or the power supply would. `newBoot`: the simulated machine's boot id
 * changed while the agent was killed, which only a power cut does. Pure.
 */
export function afterAgentEnd(end: ProgramEnd, newBoot: boolean): AfterAgent {
  if (end.signal === "SIGKILL" && newBoot) return { kind: "reboot", cut: true };
  switch (end.code) {
    case EXIT.stopped:
      return { kind: "leave", why: "it was stopped" };
    case EXIT.restart:
      return { kind: "restart", atOnce: true };
    case EXIT.machineReboot:
      return { kind: "reboot", cut: false };
    case EXIT.machineOff:
      return { kind: "off" };
    case EXIT.usage:
      return { kind: "leave", why: "its command line is wrong" };
    case EXIT.badConfiguration:
      return { kind: "leave", why: "its configuration is wrong" };
    default:
      return { kind: "restart", atOnce: false };
  }
}
