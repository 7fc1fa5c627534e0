import { isTestFile } from "./import-zones.ts";
import { blankComments } from "./parse-imports.ts";
import type { SourceFile } from "./read-tree.ts";

const TABLE: readonly string[] = ["platform/ports/codes.ts", "platform/ports/codes-s-to-z.ts"];
/** Lower case with dots: `display.no-answer`. May contain `${…}`, filled in at run time. */
const CODE = /^(?:[a-z0-9-]|\$\{[^}]*\})+(?:\.(?:[a-z0-9-]|\$\{[^}]*\})+)+$/;
/** Syntax in which a string is a code, whatever its type. */
const CODE_PLACES: readonly RegExp[] = [
  /\b(?:code|[A-Z_]*(?:CODE|ALARM))\b\s*(?::|[!=]==|=|\?\?)\s*(?:[^"`,;{}\n]*\?\s*)?["`]([^"`\n]+)["`](?:\s*:\s*["`]([^"`\n]+)["`])?/g,
  /\b(?:fail|raise|clear|happened|issue|storageFailure|refused\.add)\(\s*["`]([^"`\n]+)["`]/g,
];
/** Excludes timer names, which look like codes. */
const TIMER_LINE = /timers|sleep\(|withDeadline\(|\.wait\(|\.after\(/i;

export interface CodesFound {
  /** Codes used in shipped source but missing in the table, as `path: code`. */
  readonly unlisted: string[];
  /** Codes in the table that shipped source never uses. */
  readonly dead: string[];
  /** Shipped files that load the table at run time. */
  readonly loading: string[];
}

export function checkCodes(files: readonly SourceFile[], table: readonly string[]): CodesFound {
  const shipped = files.filter(({ path }) => /^(?:agent|platform|player-host)\//.test(path) && !TABLE.includes(path) && !isTestFile(path));
  const sources = shipped.map(({ path, text }) => ({ path, text: blankComments(text) }));
  const given = sources.flatMap(({ path, text }) => codesIn(text).map((code) => ({ path, code })));
  const known = new Set(table.map((code) => code.replaceAll(/<[^>]*>/g, "<>")));
  const composed = given.filter(({ code }) => code.includes("${"));
  const unlisted = given.filter(({ code }) => !code.startsWith("${") && !known.has(code.replaceAll(/\$\{[^}]*\}/g, "<>")));
  const everything = sources.map(({ text }) => text.split("\n").filter((line) => !TIMER_LINE.test(line)).join("\n")).join("\n");
  const isGiven = (code: string): boolean =>
    everything.includes(code.includes("<") ? `\`${code.replace(/<.*/, "${")}` : `"${code}"`) || composed.some(({ code: template }) => asPattern(template, /\$\{[^}]*\}/).test(code.replaceAll(/[<>]/g, "")));
  const loading = sources.filter(({ text }) => /\bimport (?!type )[^;]*\/codes(?:-s-to-z)?\.ts"/.test(text)).map(({ path }) => path);
  return { unlisted: unlisted.map(({ path, code }) => `${path}: ${code}`), dead: table.filter((code) => !isGiven(code)), loading };
}

function codesIn(text: string): string[] {
  return CODE_PLACES.flatMap((place) => [...text.matchAll(place)].flatMap(([, ...found]) => found)).filter((code) => code !== undefined && CODE.test(code));
}

function asPattern(template: string, hole: RegExp): RegExp {
  return new RegExp(`^${template.split(hole).map((part) => part.replaceAll(".", "\\.")).join("[a-z0-9-]+")}$`);
}
