import type { DeviceMessageOf } from "../../protocol/device-messages.ts";
import { diffPatch, type JsonObject } from "../../../platform/runtime/json.ts";

/** A document as it was sent, or as the cloud has it. */
export interface Snapshot {
  readonly version: number;
  readonly document: JsonObject;
}

/**
 * The shortest message that updates the cloud from `base` to `document`: a patch, or the whole document when `base` is
 * unknown or the patch is no shorter. `undefined` when the cloud already has it.
 */
export function composeReport(document: JsonObject, version: number, base: Snapshot | undefined): DeviceMessageOf<"reported"> | undefined {
  const whole: DeviceMessageOf<"reported"> = { t: "reported", version, document };
  if (base === undefined) return whole;
  const patch = diffPatch(base.document, document);
  if (patch === undefined) return undefined;
  const message: DeviceMessageOf<"reported"> = { t: "reported", version, base: base.version, document: patch };
  return JSON.stringify(message).length < JSON.stringify(whole).length ? message : whole;
}

/** Whether a change must be sent at once: the screen's verdict changed. */
export function isUrgent(section: string, before: unknown, after: unknown): boolean {
  return section === "screen" && verdictOf(before) !== verdictOf(after);
}

function verdictOf(screen: unknown): unknown {
  return typeof screen === "object" && screen !== null && "verdict" in screen ? screen.verdict : undefined;
}
