import { findCommand } from "../../../agent/protocol/commands/catalog.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/**
 * Checks a command against the device's profile. Without a profile every command passes. The device itself has the
 * last word (`rejected` with `unsupported`); `insist` skips this check. Code: `command.not-possible`.
 */
export function checkPossible(profile: JsonObject | undefined, name: string): Result<void> {
  const definition = findCommand(name);
  if (profile === undefined || definition === undefined || listed(profile["commands"], name)) return ok(undefined);
  const { needs } = definition;
  const why = needs !== undefined && !listed(profile["capabilities"], needs) ? `this device has no ${needs}, which ${name} needs` : `this device does not have the command ${name}`;
  return fail("command.not-possible", why, 'send it anyway with "insist": true; the device then answers itself');
}

function listed(list: unknown, name: string): boolean {
  return Array.isArray(list) && list.includes(name);
}
