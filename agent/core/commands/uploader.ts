import type { Result } from "../../../platform/ports/result.ts";
import type { CommandKey } from "./journal-entry.ts";

/** Something big to send, all of it in memory. */
export interface Upload {
  readonly purpose: "screenshot" | "logs" | "support-bundle";
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** The command it belongs to. */
  readonly command?: CommandKey;
}

/** What the cloud has of it. `sha256` is hex. */
export interface Uploaded {
  /** Name under which the cloud keeps it. */
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Brings something big to the cloud, beside the link. `ok` only when the cloud accepted the hash. Errors:
 * `link.offline`, `upload.timeout`, `upload.failed`, `upload.aborted`, or the cloud's own code.
 */
export interface Uploader {
  upload(upload: Upload, signal?: AbortSignal): Promise<Result<Uploaded>>;
}
