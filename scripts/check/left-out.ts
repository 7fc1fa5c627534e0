import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** Something that a test run had to skip on this machine. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

/** Where `npm test` collects them; unset when vitest is run by hand. */
export const LEFT_OUT_FILE_ENV = "VITRINE_LEFT_OUT_FILE";

/**
 * Reports that a test or suite was not run here. Call it next to every conditional skip; the test
 * run lists all of them at its end. Tests may import this file, shipped code may not.
 */
export function reportLeftOut(what: string, why: string): void {
  console.warn(`left out: ${what} (${why})`);
  const file = process.env[LEFT_OUT_FILE_ENV];
  // One short append is atomic, so that test files running side by side do not mix their lines.
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, why })}\n`);
}

/** What the tests reported, each once. */
export function readLeftOut(file: string): LeftOut[] {
  if (!existsSync(file)) return [];
  const lines = new Set(readFileSync(file, "utf8").split("\n").filter(Boolean));
  return [...lines].map((line) => JSON.parse(line) as LeftOut);
}
