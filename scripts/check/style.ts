import { basename } from "node:path/posix";
import { isTestFile } from "./import-zones.ts";
import { blankCommentsAndStrings } from "./parse-imports.ts";
import type { SourceFile } from "./read-tree.ts";

const LINES_MAX = 450;
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*\.(?:ts|mjs)$/;

/** A forbidden pattern and its replacement. */
interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  /** `shipped`: does not apply to scripts, tests and page code. */
  readonly scope: "everywhere" | "shipped";
  /** The only file allowed to use it: it implements the port. */
  readonly allowedIn?: string;
  /** Also applies in comments. */
  readonly inComments?: boolean;
}

const CLOCK = "platform/linux/system-clock.ts";

const BANS: readonly Ban[] = [
  { pattern: /\bTO(?:DO)\b|\bFIX(?:ME)\b/, instead: "finish it, or say plainly in the documents what is missing", scope: "everywhere", inComments: true },
  { pattern: /\b(?:describe|it|test)\.only\b/, instead: "run one test with vitest's -t", scope: "everywhere" },
  { pattern: /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/, instead: "name the reason, handle it, and say why in a comment; or rethrow", scope: "everywhere", inComments: true },
  { pattern: /\.catch\(\(\w*\) => \{\s*\}\)/, instead: "name the reason, handle it, and say why in a comment; or rethrow", scope: "everywhere", inComments: true },
  { pattern: /(?<![.\w])setInterval\(/, instead: "Timers.after with a name, set again by what it runs", scope: "shipped" },
  { pattern: /(?<![.\w])setTimeout\(/, instead: "Timers.after with a name, or sleep from platform/runtime", scope: "shipped", allowedIn: CLOCK },
  { pattern: /\bDate\.now\(|\bnew Date\(\)/, instead: "Clock.wallMs, or Clock.monotonicMs for a duration", scope: "shipped", allowedIn: CLOCK },
  { pattern: /\bperformance\.now\(/, instead: "Clock.monotonicMs", scope: "shipped", allowedIn: CLOCK },
  { pattern: /\bMath\.random\(/, instead: "Random.next, so that a simulation can replay it", scope: "shipped" },
];

/** Violations in a file, as `path:line message`. */
export function checkStyle(file: SourceFile): string[] {
  const found: string[] = [];
  const name = basename(file.path);
  if (!KEBAB_CASE.test(name)) found.push(`${file.path}:1 file names are kebab-case`);
  const lines = file.text.split("\n").length - 1;
  if (lines > LINES_MAX) found.push(`${file.path}:${LINES_MAX} ${lines} lines are more than ${LINES_MAX}: split it`);
  const code = blankCommentsAndStrings(file.text);
  for (const ban of BANS) {
    if (ban.allowedIn === file.path || (ban.scope === "shipped" && isFree(file.path))) continue;
    const text = ban.inComments === true ? file.text : code;
    for (const match of text.matchAll(new RegExp(ban.pattern, "g"))) {
      found.push(`${file.path}:${text.slice(0, match.index).split("\n").length} not ${match[0].trim()}: ${ban.instead}`);
    }
  }
  return found;
}

function isFree(path: string): boolean {
  return path.startsWith("scripts/") || path.endsWith(".dom.ts") || isTestFile(path);
}
