import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** Something that a test run had to skip on this machine. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

/** Names the file in which `npm test` collects reports; unset when vitest is run by hand. */
export const LEFT_OUT_FILE_ENV = "VITRINE_LEFT_OUT_FILE";

/**
 * Reports that a test or suite was not run on this machine. Call it next to every conditional skip; the test run
 * lists all reports at its end.
 */
export function reportLeftOut(what: string, why: string): void {
  console.warn(`left out: ${what} (${why})`);
  const file = process.env[LEFT_OUT_FILE_ENV];
  // A short append is atomic, so lines of parallel test files do not mix.
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, why })}\n`);
}

/** Returns the collected reports without duplicates. */
export function readLeftOut(file: string): LeftOut[] {
  if (!existsSync(file)) return [];
  const lines = new Set(readFileSync(file, "utf8").split("\n").filter(Boolean));
  return [...lines].map((line) => JSON.parse(line) as LeftOut);
}
