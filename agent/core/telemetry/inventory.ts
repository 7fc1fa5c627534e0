import type { SystemProbe } from "../../../platform/ports/host.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { wireReading } from "../state/wire-reading.ts";

/** The machine's facts for `profile.inventory`, each a reading as on the wire. */
export async function readInventory(probe: SystemProbe): Promise<JsonObject> {
  const facts: readonly [string, Reading<string | number>][] = Object.entries(await probe.inventory());
  return Object.fromEntries(facts.map(([name, reading]) => [name, { ...wireReading(reading) } as JsonObject]));
}
