import { parseArgs } from "node:util";
import { fail, messageOf, ok, type Result } from "../tool-result.ts";

export interface BenchOptions {
  readonly json: boolean;
  readonly quick: boolean;
  readonly write: boolean;
  /** Names of figures or of their lines; empty means all. */
  readonly only: readonly string[];
}

/** Text of `--help`. `names`: all figures. */
export function help(names: readonly (readonly [name: string, title: string])[]): string {
  const width = Math.max(0, ...names.map(([name]) => name.length));
  return `npm run bench -- [options]

Measures the agent on this machine, each figure beside a floor or a peer measured in the same run.

  --only NAME,…   only these figures, or only these lines of them
  --quick         shorter runs, in at most 3 minutes; coarser
  --json          one JSON object a line instead of the table
  --write         writes docs/budgets.md as well (a whole run only)
  --help          this text

Figures:
${names.map(([name, title]) => `  ${name.padEnd(width)}  ${title}`).join("\n")}`;
}

/**
 * Parses the command line; `undefined` means that help was requested. `names`: all figures; a value of `--only` is one of
 * them, or begins with one and a dot. Error: `bench.usage`.
 */
export function parseOptions(args: readonly string[], names: readonly string[]): Result<BenchOptions | undefined> {
  let values: { json: boolean; quick: boolean; write: boolean; help: boolean; only?: string[] };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        only: { type: "string", multiple: true },
      },
    }));
  } catch (thrown) {
    // parseArgs throws for unknown options, missing values and stray words, and its message names them.
    return usage(messageOf(thrown).split(". ")[0] ?? "");
  }
  if (values.help) return ok(undefined);
  const only = (values.only ?? []).flatMap((list) => list.split(",")).map((name) => name.trim());
  if (values.only !== undefined && only.some((name) => name === "")) return usage("--only takes names with commas between them");
  const unknown = only.find((name) => !names.includes(figureOf(name)));
  if (unknown !== undefined) return usage(`there is no figure "${unknown}"; there are ${names.join(", ")}`);
  if (values.write && (values.quick || only.length > 0)) return usage("--write takes a whole run, without --quick and --only");
  return ok({ json: values.json, quick: values.quick, write: values.write, only });
}

/** The figure a line belongs to: the part before the first dot. */
export function figureOf(name: string): string {
  return name.split(".")[0] ?? "";
}

/** Whether `--only` includes a line. */
export function isWanted(line: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((name) => line === name || line.startsWith(`${name}.`));
}

function usage(message: string): Result<never> {
  return fail("bench.usage", message, "npm run bench -- --help lists options and figures.");
}
