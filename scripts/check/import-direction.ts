import { posix } from "node:path";
import { isTestFile, ZONES, type Zone } from "./import-zones.ts";
import { blankComments, parseImports, type ImportFound } from "./parse-imports.ts";
import type { SourceFile } from "./read-tree.ts";

/** A forbidden import. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Facts from package.json. */
export interface Packages {
  /** Installed on devices: shipped code may import these at run time. */
  readonly runtime: readonly string[];
  /** Only their types may be imported. */
  readonly typesOnly: readonly string[];
}

/**
 * Checks every import of the tree against the zones. Tests may import any of our files and development packages,
 * but outside the Electron shell not `electron`. Shipped clients of the development cloud's HTTP API are forbidden
 * too; they need no import and are found by the API's path.
 */
export function checkImports(files: readonly SourceFile[], packages: Packages): Violation[] {
  const violations: Violation[] = [];
  const systeminformation: Violation[] = [];
  for (const file of files) {
    const callsCloud = isShipped(file.path) ? blankComments(file.text).indexOf("/api/v1") : -1;
    if (callsCloud >= 0) {
      const line = file.text.slice(0, callsCloud).split("\n").length;
      violations.push({ file: file.path, line, message: "nothing shipped calls the development cloud's HTTP API: its client is scripts/dev-cloud/cli/" });
    }
    for (const found of parseImports(file.text)) {
      const message = judge(file.path, found, packages);
      if (message !== undefined) violations.push({ file: file.path, line: found.line, message });
      if (found.specifier === "systeminformation" && !isTestFile(file.path)) {
        systeminformation.push({ file: file.path, line: found.line, message: "only one file imports systeminformation" });
      }
    }
  }
  return [...violations, ...systeminformation.slice(1)];
}

function isShipped(path: string): boolean {
  return !path.startsWith("scripts/") && !isTestFile(path);
}

function judge(path: string, found: ImportFound, packages: Packages): string | undefined {
  if (found.specifier === "electron" && !path.startsWith("player-host/shells/electron/")) {
    return "only player-host/shells/electron imports electron: take what you need as an argument";
  }
  if (!isShipped(path)) return undefined;
  const zone = zoneOf(path);
  if (zone === undefined) return "this file is in no zone of scripts/check/import-zones.ts: add it there";
  if (found.specifier === "?") return "an import whose path is computed cannot be checked: write the path out";
  if (found.specifier.startsWith(".")) return judgeOwn(path, zone, found);
  return judgePackage(zone, found, packages);
}

function judgeOwn(path: string, zone: Zone, found: ImportFound): string | undefined {
  const target = posix.normalize(posix.join(posix.dirname(path), found.specifier));
  if (target.startsWith("scripts/")) return "nothing shipped imports scripts/: move what both need into the product";
  if (isTestFile(target)) return "shipped code does not import test code";
  if (zone.lazy !== undefined && found.kind === "static" && within(target, zone.lazy)) {
    return `${zone.name} imports adapters with import() only, so that exactly one is loaded`;
  }
  if (within(target, zone.may)) return undefined;
  return `${zone.name} may not import ${target}: ${zone.why}`;
}

function judgePackage(zone: Zone, found: ImportFound, packages: Packages): string | undefined {
  if (found.specifier.startsWith("node:")) {
    return zone.pure ? `${zone.name} is pure, it runs without Node: take ${found.specifier} as an argument, behind a port` : undefined;
  }
  const name = found.specifier.split("/").slice(0, found.specifier.startsWith("@") ? 2 : 1).join("/");
  if (zone.pure) return name === "valibot" ? undefined : `${zone.name} is pure: no package but valibot, not ${name}`;
  if (found.kind === "type" && packages.typesOnly.includes(name)) return undefined;
  if (name === "electron" || packages.runtime.includes(name)) return undefined;
  return `${name} is not a run-time dependency in package.json, so it is not on the device`;
}

/** The zone with the longest matching path, so that a file's own entry overrides its folder's. */
function zoneOf(path: string): Zone | undefined {
  const matching = ZONES.flatMap((zone) => zone.at.filter((at) => within(path, [at])).map((at) => ({ zone, length: at.length })));
  return matching.sort((a, b) => b.length - a.length)[0]?.zone;
}

/** A pattern `folder/` matches everything below the folder; any other pattern matches one file. */
function within(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith("/") ? path.startsWith(pattern) : path === pattern));
}
