import type { Result } from "../../../platform/ports/result.ts";

/** A file to download. */
export interface FileToFetch {
  readonly url: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A picture of the screen, as a file. */
export interface KeptPicture {
  readonly bytes: Uint8Array;
  readonly contentType: "image/png" | "image/jpeg";
}

/** Port: the agent's own folder for downloaded releases, and for the last picture of one that failed. */
export interface UpdateFiles {
  /**
   * Downloads a file, continuing an earlier attempt, and returns its absolute path. Downloads of other releases are removed; `alsoWanted` are the
   * hashes of this one's other files. Errors: `content.unreachable` (worth another try), `content.hash-mismatch`, `content.disk`, `content.aborted`.
   */
  fetch(file: FileToFetch, progress: (bytes: number) => void, signal: AbortSignal, alsoWanted?: readonly string[]): Promise<Result<string>>;
  /** Replaces the kept picture. Errors: `content.disk`. */
  keepPicture(picture: KeptPicture): Promise<Result<void>>;
  picture(): Promise<KeptPicture | undefined>;
  /** Removes downloads and picture. */
  clear(): Promise<void>;
}
