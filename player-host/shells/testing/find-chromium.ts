import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** The browser tests run with: the one `npm test` names, else the first on the path; `undefined` when there is none. */
export function findTestChromium(): string | undefined {
  const named = process.env["VITRINE_BROWSER"];
  if (named !== undefined && named !== "") return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

/**
 * All browsers the shell suites run with: the list in `VITRINE_BROWSERS` (with the separator of `PATH`), else the one of
 * `findTestChromium`. Empty where there is none.
 */
export function findTestChromiums(): readonly string[] {
  const named = (process.env["VITRINE_BROWSERS"] ?? "").split(delimiter).filter(Boolean);
  const one = findTestChromium();
  return named.length > 0 ? named : one === undefined ? [] : [one];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: the next one.
    return false;
  }
}
