import type { Inventory, SystemProbe } from "../../platform/ports/host.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { JsonObject } from "../../platform/runtime/json.ts";
import type { DocumentStore } from "./storage/document-store.ts";
import { readDocument } from "./storage/read-document.ts";

const KEY = "inventory";

/**
 * Returns the machine's inventory, cached per boot and agent version (`of`). Reading it takes half a second and a
 * separate process, too slow for a restart after a crash. An inventory with failed readings is not cached.
 */
export async function inventoryOncePerBoot(probe: SystemProbe, documents: DocumentStore, of: string, log: Log): Promise<Inventory> {
  const kept = await readDocument(documents, KEY, log);
  if (kept?.["of"] === of) return kept["facts"] as unknown as Inventory;
  const inventory = await probe.inventory();
  if (Object.values(inventory).every((fact: Inventory[keyof Inventory]) => fact.kind !== "failed")) {
    const put = await documents.put({ [KEY]: { of, facts: inventory as unknown as JsonObject } });
    // Harmless: the next start reads it again.
    if (!put.ok) log.debug({ code: put.error.code }, "the inventory could not be stored");
  }
  return inventory;
}
