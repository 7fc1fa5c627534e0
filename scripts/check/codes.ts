import { posix } from "node:path";
import { isTestFile } from "./import-zones.ts";
import { blankComments, parseImports } from "./parse-imports.ts";
import type { SourceFile } from "./read-tree.ts";

/** Where the table is put together. The files with its rows are those that this one loads. */
const TABLE = "platform/ports/codes.ts";
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
  const tableFiles = loadedFrom(TABLE, files);
  const shipped = files.filter(({ path }) => /^(?:agent|platform|player-host)\//.test(path) && !tableFiles.has(path) && !isTestFile(path));
  const sources = shipped.map(({ path, text }) => ({ path, text: blankComments(text) }));
  const given = sources.flatMap(({ path, text }) => codesIn(text).map((code) => ({ path, code })));
  const known = new Set(table.map((code) => code.replaceAll(/<[^>]*>/g, "<>")));
  const composed = given.filter(({ code }) => code.includes("${"));
  const unlisted = given.filter(({ code }) => !code.startsWith("${") && !known.has(code.replaceAll(/\$\{[^}]*\}/g, "<>")));
  const everything = sources.map(({ text }) => text.split("\n").filter((line) => !TIMER_LINE.test(line)).join("\n")).join("\n");
  const isGiven = (code: string): boolean =>
    everything.includes(code.includes("<") ? `\`${code.replace(/<.*/, "${")}` : `"${code}"`) || composed.some(({ code: template }) => asPattern(template, /\$\{[^}]*\}/).test(code.replaceAll(/[<>]/g, "")));
  const loading = shipped.filter((file) => loadedBy(file).some((path) => tableFiles.has(path))).map(({ path }) => path);
  return { unlisted: unlisted.map(({ path, code }) => `${path}: ${code}`), dead: table.filter((code) => !isGiven(code)), loading };
}

/** `start` and the files it loads at run time, directly or through others. */
function loadedFrom(start: string, files: readonly SourceFile[]): ReadonlySet<string> {
  const loaded = new Set([start]);
  for (const path of loaded) for (const next of files.filter((file) => file.path === path).flatMap(loadedBy)) loaded.add(next);
  return loaded;
}

/** Paths of the files of ours that this one loads at run time. */
function loadedBy({ path, text }: SourceFile): string[] {
  return parseImports(text).flatMap(({ specifier, kind }) => (kind !== "type" && specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : []));
}

function codesIn(text: string): string[] {
  return CODE_PLACES.flatMap((place) => [...text.matchAll(place)].flatMap(([, ...found]) => found)).filter((code) => code !== undefined && CODE.test(code));
}

function asPattern(template: string, hole: RegExp): RegExp {
  return new RegExp(`^${template.split(hole).map((part) => part.replaceAll(".", "\\.")).join("[a-z0-9-]+")}$`);
}
