import { limitPackages } from "./package-limits.dom.ts";

/**
 * The script that a shell injects into every document before the document's own code. It does nothing outside packages.
 * `packageOrigin` is the source of a regular expression for a package's origin.
 */
export function packageLimits(packageOrigin: string): string {
  return `(${limitPackages.toString()})(${JSON.stringify(packageOrigin)});`;
}
