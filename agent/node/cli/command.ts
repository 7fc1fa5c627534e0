import type { ParseArgsOptionsConfig } from "node:util";
import type { WireIssue } from "../../../platform/ports/result.ts";

/** Exit codes of the command lines. */
export const CLI_EXIT = {
  /** Success. */
  ok: 0,
  /** The answer is no: a check failed, a command did not succeed. */
  notSo: 1,
  /** Wrong usage. */
  usage: 2,
  /** The agent or the development cloud could not be reached. */
  unreachable: 3,
  /** The configuration has an error. */
  badConfiguration: 78,
} as const;
export type CliExit = (typeof CLI_EXIT)[keyof typeof CLI_EXIT];

/** What a command works with. Output goes through it so that tests can read it. */
export interface CliContext {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly args: readonly string[];
  readonly json: boolean;
  /** How the command is called, for a complaint about its arguments. */
  readonly usage: string;
  /** Writes text for people to standard output. */
  print(text: string): void;
  /** Writes one JSON value to standard output. */
  printJson(value: unknown): void;
  /** Writes one line to standard error. */
  complain(text: string): void;
  /** Reports an issue: as JSON on standard output with `--json`, else as one line on standard error. */
  complainOf(issue: WireIssue): void;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface CliCommand {
  /** One word: `status`, `send`, … */
  readonly name: string;
  readonly summary: string;
  /** Arguments after the name: `<device> <command> [--param value …]`. */
  readonly usage: string;
  readonly options?: ParseArgsOptionsConfig;
  /** Maximum number of positional arguments; default 0. A command with `freeOptions` checks them itself. */
  readonly argsMax?: number;
  /** Passes unknown options on as `--name value` in `args` (for command parameters). */
  readonly freeOptions?: boolean;
  readonly help?: readonly string[];
  run(context: CliContext): Promise<CliExit>;
}

export interface CommandLine {
  /** How it is called: `vitrine`, `npm run cloud --`. */
  readonly call: string;
  readonly commands: readonly CliCommand[];
}
