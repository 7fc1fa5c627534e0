import type { HostPicture } from "../contract/link-messages.ts";

/** Files of the document on the screen that could not be loaded. */
export interface FilesFact {
  readonly count: number;
  /** Names of some of them, for display. */
  readonly named: readonly string[];
  /** They are files of a package, which do not come back by themselves; files from a network may. */
  readonly ofPackage: boolean;
}

/** Highest confidence in a picture while files of its package are missing. */
const INCOMPLETE_CONFIDENCE_MAX = 0.5;

/** Adds missing files to the verdict's evidence and lowers its confidence if they belong to a package. Pure. */
export function withFiles(picture: HostPicture, files: FilesFact | undefined): HostPicture {
  if (files === undefined) return picture;
  const { count, named, ofPackage } = files;
  const rest = count > named.length ? `, and ${count - named.length} more` : "";
  const says = `${count} ${count === 1 ? "file" : "files"} of the page could not be loaded: ${named.join(", ")}${rest}`.slice(0, 2_000);
  const confidence = ofPackage && picture.verdict === "showing" ? Math.min(picture.confidence, INCOMPLETE_CONFIDENCE_MAX) : picture.confidence;
  return { ...picture, confidence, evidence: [...picture.evidence, { witness: "files", says }] };
}
