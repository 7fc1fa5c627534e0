import { EXIT } from "../../agent/node/exit-codes.ts";
import type { ProgramEnd } from "./program.ts";

/** What the machine does when the agent has ended. */
export type AfterAgent =
  /** Start it again: at once, or after a growing pause. */
  | { readonly kind: "restart"; readonly atOnce: boolean }
  /** The machine goes down and comes up again, the player with it. `cut`: without a word. */
  | { readonly kind: "reboot"; readonly cut: boolean }
  /** The machine is off until somebody switches it on. */
  | { readonly kind: "off" }
  /** The agent stays stopped; the player goes on. */
  | { readonly kind: "leave"; readonly why: string };

/**
 * Reads the agent's end as systemd, or the power supply, would. `newBoot`: the simulated machine's boot id
 * changed under a killed agent, which only pulling the plug does. Pure.
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
    case EXIT.badConfiguration:
      return { kind: "leave", why: "its configuration is wrong" };
    default:
      return { kind: "restart", atOnce: false };
  }
}
