import type { Log } from "../../../platform/ports/log.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import type { DocumentStore } from "./document-store.ts";

/** Reads a document. One that is damaged or unreadable is logged and counts as never written. */
export async function readDocument(documents: DocumentStore, key: string, log: Log): Promise<JsonObject | undefined> {
  const found = await documents.get(key);
  if (found.ok) return found.value;
  log.error({ key, code: found.error.code, error: found.error.message }, "a stored document cannot be read; the device goes on without it");
  return undefined;
}
