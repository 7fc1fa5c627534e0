import { DesiredDocumentSchema, type DesiredPayload } from "../../../agent/protocol/desired.ts";
import { DESIRED_BYTES_MAX } from "../../../agent/protocol/limits.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import { canonicalJson, isJsonObject, mergePatch, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import type { DeviceRow, DocumentRow } from "./cloud-store.ts";
import { updateDevice, type CloudContext } from "./context.ts";
import { validateAs } from "../validate-as.ts";

/** The cloud's side of desired state: strictly increasing versions, signed on sending. */
export class DesiredState {
  readonly #context: CloudContext;

  constructor(context: CloudContext) {
    this.#context = context;
  }

  /** Replaces the document. Codes: `device.unclaimed`, `desired.invalid`, `desired.too-large`, `desired.version-conflict`. */
  put(device: DeviceRow, document: Json, ifVersion?: number): Result<DocumentRow | undefined> {
    const before = this.#context.store.document(device.id, "desired");
    if (device.owner === undefined)
      return fail("device.unclaimed", "the device is not claimed; only its owner may set its desired state", "claim it first");
    if (ifVersion !== undefined && ifVersion !== (before?.version ?? 0)) {
      return fail(
        "desired.version-conflict",
        `the document has version ${before?.version ?? 0}, not ${ifVersion}`,
        "load it again and repeat the change",
      );
    }
    const checked = checkDesired(document);
    if (!checked.ok) return checked;
    if (before !== undefined && canonicalJson(before.document) === canonicalJson(checked.value)) return ok(before);
    const row = this.#context.store.transaction(() => this.write(device.id, checked.value));
    this.#context.emit({ t: "document", row });
    this.#context.emit({ t: "device", device: device.id });
    this.push(device.id);
    return ok(row);
  }

  /** Merges a patch (RFC 7396) into the current document. Codes: those of `put`. */
  patch(device: DeviceRow, patch: Json, ifVersion?: number): Result<DocumentRow | undefined> {
    if (!isJsonObject(patch)) return fail("desired.invalid", "a patch must be a JSON object");
    const before = this.#context.store.document(device.id, "desired");
    return this.put(device, mergePatch(before?.document ?? {}, patch), ifVersion);
  }

  /** Writes the document with a version above every one ever seen. Call inside a transaction. */
  write(device: string, document: JsonObject): DocumentRow {
    const { store, clock } = this.#context;
    const before = store.document(device, "desired")?.version ?? 0;
    const version = Math.max(before, store.device(device)?.desiredFloor ?? 0) + 1;
    const row: DocumentRow = { device, kind: "desired", version, atMs: clock.wallMs(), document };
    store.putDocument(row);
    updateDevice(store, device, (changed) => ({ ...changed, desiredFloor: version }));
    return row;
  }

  /** Sends the current document, if there is one and the device is claimed and online. */
  push(device: string): void {
    const { store, live, misbehaviours } = this.#context;
    const row = store.document(device, "desired");
    if (row === undefined || store.device(device)?.owner === undefined) return;
    const version = misbehaviours.of(device).desiredGoesBack === true ? Math.max(1, row.version - 1) : row.version;
    live.get(device)?.sendSigned("desired", desiredPayload(device, version, row));
  }
}

export function desiredPayload(device: string, version: number, row: DocumentRow): string {
  const payload: DesiredPayload = { device, version, issuedMs: row.atMs, document: row.document };
  return JSON.stringify(payload);
}

/** Rejects unknown keys as typing errors; a device only reports them as `unsupported`. Codes: `desired.invalid`, `desired.too-large`. */
export function checkDesired(document: Json): Result<JsonObject> {
  if (!isJsonObject(document)) return fail("desired.invalid", "the document must be a JSON object");
  const bytes = utf8(JSON.stringify(document)).length;
  if (bytes > DESIRED_BYTES_MAX)
    return fail("desired.too-large", `the document has ${bytes} bytes; at most ${DESIRED_BYTES_MAX} are allowed`);
  const known = Object.keys(DesiredDocumentSchema.entries);
  const unknown = Object.keys(document).find((key) => !known.includes(key));
  if (unknown !== undefined)
    return fail("desired.invalid", `unknown key ${JSON.stringify(unknown.slice(0, 80))}`, `known keys: ${known.join(", ")}`);
  const checked = validateAs("desired.invalid", DesiredDocumentSchema, document, "desired document");
  return checked.ok ? ok(document) : checked;
}
