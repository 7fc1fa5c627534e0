import type { Result } from "../../../platform/ports/result.ts";
import type { CommandKey } from "./journal-entry.ts";

/** A file to upload, held in memory. */
export interface Upload {
  readonly purpose: "screenshot" | "logs" | "support-bundle";
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** The command it belongs to. */
  readonly command?: CommandKey;
}

/** The file as the cloud stored it. `sha256` is hexadecimal. */
export interface Uploaded {
  /** Name under which the cloud keeps it. */
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Uploads a file to the cloud over HTTP, outside the link. Succeeds only when the cloud accepted the hash. Errors:
 * `link.offline`, `upload.timeout`, `upload.failed`, `upload.aborted`, or the cloud's own code.
 */
export interface Uploader {
  upload(upload: Upload, signal?: AbortSignal): Promise<Result<Uploaded>>;
}
