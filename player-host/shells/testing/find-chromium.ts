import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** The browser for tests: `VITRINE_BROWSER`, which `npm test` sets, else the first on the path; `undefined` when there is none. */
export function findTestChromium(): string | undefined {
  const named = process.env["VITRINE_BROWSER"];
  if (named !== undefined && named !== "") return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

/**
 * All browsers for the shell suites: the list in `VITRINE_BROWSERS` (separated as in `PATH`), else that of
 * `findTestChromium`. Empty when there is none.
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
    // Not there or not executable: try the next one.
    return false;
  }
}
