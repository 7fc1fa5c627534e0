import type { CommandRow, DocumentRow, RecordRow, UploadRow } from "./cloud-store.ts";
import type { Misbehaviour } from "./misbehaviour.ts";

/** A change that has been stored. */
export type CloudEvent =
  | { readonly t: "device"; readonly device: string }
  | { readonly t: "device-removed"; readonly device: string }
  | { readonly t: "document"; readonly row: DocumentRow }
  | { readonly t: "command"; readonly command: CommandRow }
  | { readonly t: "records"; readonly device: string; readonly records: readonly RecordRow[] }
  | { readonly t: "upload"; readonly upload: UploadRow }
  | { readonly t: "misbehaviours"; readonly device: string; readonly active: Misbehaviour };
