import type { DeviceMessageOf } from "../../../agent/protocol/device-messages.ts";
import { ReportedDocumentSchema } from "../../../agent/protocol/reported.ts";
import type { Issue } from "../../tool-result.ts";
import { isJsonObject, mergePatch, type JsonObject } from "../../../platform/runtime/json.ts";
import type { CloudStore, DocumentRow } from "./cloud-store.ts";
import { validateAs } from "../validate-as.ts";

/** Patches could grow a document without limit. Beyond this the device must send it whole, which the frame size limits. */
const REPORTED_CHARACTERS_MAX = 512 * 1024;

export type ReportedResult =
  | { readonly kind: "stored"; readonly row: DocumentRow }
  /** Nothing changed. The device sends the whole document when `version` is not the one it sent. */
  | { readonly kind: "mismatch"; readonly version: number }
  | { readonly kind: "refused"; readonly issue: Issue };

/** Stores a whole reported document or a patch. Call inside a transaction. Code: `reported.invalid`. */
export function takeReported(
  store: CloudStore,
  device: string,
  message: DeviceMessageOf<"reported">,
  nowMs: number,
): ReportedResult {
  const before = store.document(device, "reported");
  const version = before?.version ?? 0;
  if (message.base === undefined) return keep(store, device, message.version, message.document, nowMs);
  // The same patch again, after a lost acknowledgement.
  if (message.version === version && message.base < version) return { kind: "mismatch", version };
  if (message.base !== version || message.version <= version) return { kind: "mismatch", version };
  const merged = mergePatch(before?.document ?? {}, message.document);
  if (!isJsonObject(merged) || JSON.stringify(merged).length > REPORTED_CHARACTERS_MAX) return { kind: "mismatch", version };
  const kept = keep(store, device, message.version, merged, nowMs);
  return kept.kind === "refused" ? { kind: "mismatch", version } : kept;
}

function keep(store: CloudStore, device: string, version: number, document: JsonObject, nowMs: number): ReportedResult {
  const checked = validateAs("reported.invalid", ReportedDocumentSchema, document, "reported document");
  if (!checked.ok) return { kind: "refused", issue: checked.error };
  const row: DocumentRow = { device, kind: "reported", version, atMs: nowMs, document };
  store.putDocument(row);
  return { kind: "stored", row };
}
