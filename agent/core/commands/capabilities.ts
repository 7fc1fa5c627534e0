import { COMMANDS, type CommandName } from "../../protocol/commands/catalog.ts";
import type { Capability } from "../../protocol/commands/definition.ts";
import type { DeviceMessageOf } from "../../protocol/device-messages.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import type { AttachedDisplay } from "../../../platform/ports/display.ts";
import { COMMANDED_PROPERTIES, propertyRow } from "../../../platform/ports/display-properties.ts";
import type { Inventory } from "../../../platform/ports/host.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import { toHex, utf8 } from "../../../platform/runtime/encoding.ts";
import { canonicalJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import type { ExecutorTable } from "./executor.ts";
import { wireReading } from "./outcome-body.ts";

export type Profile = DeviceMessageOf<"profile">;

/**
 * Builds the `profile` message: what the device is and can do. It contains only facts that stay the same while the agent
 * runs, so that its hash is the same after every start on the same hardware.
 *
 * `choices` lists the values a form can offer, by command and parameter: `{ "display.input": { "input": ["hdmi-1", …] } }`.
 */
export async function buildProfile(
  adapter: PlatformAdapter,
  facts: Inventory,
  executors: ExecutorTable,
  crypto: Pick<Crypto, "sha256">,
): Promise<Profile> {
  const commands = (Object.keys(COMMANDS) as CommandName[]).filter((name) => executors[name] !== undefined);
  const body = {
    capabilities: capabilitiesOf(commands),
    commands,
    choices: await choicesOf(adapter, commands),
    inventory: inventoryOf(facts),
    evidence: evidenceOf(adapter),
  };
  const hash = toHex(await crypto.sha256(utf8(canonicalJson(body))));
  return { t: "profile", hash, ...body };
}

/** The capabilities that these commands need, without duplicates, in the order of the commands. */
export function capabilitiesOf(commands: readonly CommandName[]): Capability[] {
  const needs = commands.map((name) => COMMANDS[name].needs).filter((capability) => capability !== undefined);
  return [...new Set(needs)];
}

async function choicesOf(adapter: PlatformAdapter, commands: readonly CommandName[]): Promise<JsonObject> {
  const lines = await adapter.gpio?.lines();
  // Regardless of direction: driving a line makes it an output.
  const line = (lines?.ok === true ? lines.value : []).filter(({ consumer, reservedFor }) => consumer === undefined && reservedFor === undefined).map(({ name }) => name);
  const all: { readonly [N in CommandName]?: JsonObject } = {
    ...displayChoices(adapter.displays ?? []),
    "gpio.read": { line },
    "gpio.write": { line },
    "gpio.pulse": { line },
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => commands.includes(name as CommandName)));
}

/** Choices for display parameters with a list of values: the union over all displays. With several displays also their names. */
function displayChoices(displays: readonly AttachedDisplay[]): JsonObject {
  const names: JsonObject = displays.length > 1 ? { display: displays.map(({ name }) => name) } : {};
  const entries = COMMANDED_PROPERTIES.flatMap((property) => {
    const { type, command } = propertyRow(property);
    const isList = command?.flag === undefined && (type.kind === "name" || "values" in type);
    const all = displays.flatMap(({ display }): readonly Json[] => {
      const settable = display.capabilities.settable[property];
      return settable === undefined || !isList ? [] : (settable.choices ?? ("values" in type ? type.values : []));
    });
    const choices: JsonObject = { ...(isList && command !== undefined && { [command.parameter]: [...new Set(all)] }), ...names };
    return Object.keys(choices).length === 0 ? [] : [[`display.${property}`, choices] as const];
  });
  return Object.fromEntries(entries);
}

/** Each fact as a reading without its time, which would change the hash. */
function inventoryOf(inventory: Inventory): JsonObject {
  const facts = Object.entries(inventory) as [string, Reading<unknown>][];
  return Object.fromEntries(facts.map(([name, reading]) => [name, wireReading(reading) as Json]));
}

function evidenceOf({ name, evidence, displays = [] }: PlatformAdapter): string[] {
  const power = displays.map((each) => `${displays.length > 1 ? `${each.name}: ` : ""}display power is observed by: ${each.display.capabilities.powerObservedBy}`);
  return [`adapter ${name}`, ...evidence, ...power];
}
