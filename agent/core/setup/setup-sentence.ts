import type { Issue } from "../../../platform/ports/result.ts";
import type { SetupFailure, SetupState } from "./setup-state.ts";

/** What set-up is doing or what failed, for a person in front of the screen; `undefined`: nothing to say. */
export function setupSentence(state: SetupState): string | undefined {
  if (state.kind === "joining") return state.ssid === undefined ? "Trying the network settings …" : `Joining ${state.ssid} …`;
  return state.failure === undefined ? undefined : failureSentence(state.failure);
}

/** One sentence on what exactly failed. */
export function failureSentence({ ssid, code, message }: SetupFailure): string {
  const of = ssid === undefined ? "The network" : `The network ${ssid}`;
  const words = FAILURES.get(code);
  return words === undefined ? `${of} could not be used: ${message} (${code}).` : `${of} ${words} (${code}).`;
}

/** Error of the provisioning file, with what to do. */
export function fileSentence({ code, message, hint }: Issue): string {
  return `The set-up file has a mistake. ${message}${hint === undefined ? "" : `; ${hint}`} (${code}).`;
}

const FAILURES: ReadonlyMap<string, string> = new Map([
  ["network.wrong-password", "refused the password"],
  ["network.not-in-range", "is not in range"],
  ["network.no-address", "was joined, but no address could be reserved: it gives none, or another machine has it"],
  ["network.timed-out", "did not answer in time"],
]);
