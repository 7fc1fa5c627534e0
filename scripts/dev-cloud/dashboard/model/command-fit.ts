import { COMMANDED_PROPERTIES, propertyRow } from "../../../../platform/ports/display-properties.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";
import type { CommandInfo, DeviceDetail } from "./api-types.ts";

/** Whether a command can be sent to a device now, and if not, why. */
export type Fit =
  | { readonly kind: "ready" }
  /** It can be sent, but may wait in the cloud until it expires, or be rejected. */
  | { readonly kind: "queued"; readonly why: string }
  | { readonly kind: "absent"; readonly why: string };

export function fitOf(command: CommandInfo, device: DeviceDetail | undefined): Fit {
  if (device === undefined) return { kind: "absent", why: "The device is still being loaded." };
  if (!device.claimed) return { kind: "absent", why: "The device is not claimed. Claim it first: it obeys only its owner." };
  const { profile } = device;
  if (profile !== null && !profile.commands.includes(command.name)) {
    const needs = command.needs ?? undefined;
    const why = needs !== undefined && !profile.capabilities.includes(needs) ? `this device has no ${needs}` : "this device does not have this command";
    return { kind: "absent", why: `Not possible: ${why}.` };
  }
  if (device.link.state !== "online") return { kind: "queued", why: "The device is offline: the command waits for it until it expires." };
  return profile === null ? { kind: "queued", why: "The device has not reported yet what it can do and may reject the command." } : { kind: "ready" };
}

/** Values to offer for the parameters of a command: those of the profile, and those that the displays report because they change with the cable. */
export function choicesOf({ name }: Pick<CommandInfo, "name">, { profile, reported }: Pick<DeviceDetail, "profile" | "reported">): JsonObject {
  const fixed = profile?.choices[name];
  const property = COMMANDED_PROPERTIES.find((each) => name === `display.${each}`);
  const parameter = property === undefined ? undefined : propertyRow(property).command?.parameter;
  const { display, displays } = reported?.document ?? {};
  const now = [display, ...Object.values(isJsonObject(displays) ? displays : {})].flatMap((section): readonly Json[] => {
    const choices = isJsonObject(section) ? section["choices"] : undefined;
    const values = property !== undefined && isJsonObject(choices) ? choices[property] : undefined;
    return Array.isArray(values) ? (values as readonly Json[]) : [];
  });
  return { ...(isJsonObject(fixed) && fixed), ...(parameter !== undefined && now.length > 0 && { [parameter]: [...new Set(now)] }) };
}
