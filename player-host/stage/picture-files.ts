import type { HostPicture } from "../contract/link-messages.ts";

/** Files of the document on the screen that could not be had. */
export interface FilesFact {
  readonly count: number;
  /** Some of them, for people. */
  readonly named: readonly string[];
  /** Files of a package, which are on the disk or nowhere; others may be back by themselves. */
  readonly ofPackage: boolean;
}

/** Most confidence in a picture of which files of the package are missing. */
const INCOMPLETE_CONFIDENCE_MAX = 0.5;

/** The verdict with what is known about missing files. Pure. */
export function withFiles(picture: HostPicture, files: FilesFact | undefined): HostPicture {
  if (files === undefined) return picture;
  const { count, named, ofPackage } = files;
  const rest = count > named.length ? `, and ${count - named.length} more` : "";
  const says = `${count} ${count === 1 ? "file" : "files"} of the page could not be had: ${named.join(", ")}${rest}`.slice(0, 2_000);
  const confidence = ofPackage && picture.verdict === "showing" ? Math.min(picture.confidence, INCOMPLETE_CONFIDENCE_MAX) : picture.confidence;
  return { ...picture, confidence, evidence: [...picture.evidence, { witness: "files", says }] };
}
