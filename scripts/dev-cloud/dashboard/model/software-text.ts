import { isJsonObject, type Json } from "../../../../platform/runtime/json.ts";
import { brief } from "./format.ts";

export interface SoftwareLines {
  /** The release that runs, and whether it is confirmed. */
  readonly release: string;
  /** How updates ended: the last that was confirmed and the last that went back. Their order is not reported. */
  readonly outcomes: readonly string[];
}

/** `software` of the reported document, for a person. */
export function softwareLines(software: Json | undefined): SoftwareLines {
  if (!isJsonObject(software)) return { release: "not updated by the agent", outcomes: [] };
  const { running, confirmed, trial, lastConfirmed, lastFailed } = software;
  const isTrial = isJsonObject(trial) || running !== confirmed;
  return {
    release: `${brief(running, 64)}, ${isTrial ? `on trial: goes back to ${brief(confirmed, 64)} unless it proves itself` : "confirmed"}`,
    outcomes: [
      ...(isJsonObject(lastConfirmed) ? [`${brief(lastConfirmed["version"], 64)} was confirmed`] : []),
      ...(isJsonObject(lastFailed) ? [`${brief(lastFailed["version"], 64)} went back: ${brief(lastFailed["message"], 400)} (${brief(lastFailed["code"], 64)})`] : []),
    ],
  };
}
