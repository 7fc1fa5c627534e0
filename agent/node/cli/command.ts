import type { ParseArgsOptionsConfig } from "node:util";
import type { WireIssue } from "../../../platform/ports/result.ts";

/** What the exit code of a command line says. */
export const CLI_EXIT = {
  /** Done, and it is as asked. */
  ok: 0,
  /** It was tried and is not as asked: a check failed, a command did not succeed. */
  notSo: 1,
  /** The words on the command line are wrong. */
  usage: 2,
  /** Whom it asks, the agent or the development cloud, could not be reached. */
  unreachable: 3,
  /** The configuration has an error. */
  badConfiguration: 78,
} as const;
export type CliExit = (typeof CLI_EXIT)[keyof typeof CLI_EXIT];

/** What a command has to work with. Output goes through here so that tests can read it. */
export interface CliContext {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly args: readonly string[];
  readonly json: boolean;
  /** One line (or several) for people on standard output. */
  print(text: string): void;
  /** One JSON value on standard output. */
  printJson(value: unknown): void;
  /** One line on standard error. */
  complain(text: string): void;
  /** What went wrong: one JSON value on standard output with `--json`, else one line on standard error. */
  complainOf(issue: WireIssue): void;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface CliCommand {
  /** One word: `status`, `send`, … */
  readonly name: string;
  readonly summary: string;
  /** What follows the name: `<device> <command> [--param value …]`. */
  readonly usage: string;
  readonly options?: ParseArgsOptionsConfig;
  /** So many words besides options; none by default. A command with `freeOptions` looks at its words itself. */
  readonly argsMax?: number;
  /** Options this table does not know are passed on as `--name value` in `args` (for command parameters). */
  readonly freeOptions?: boolean;
  readonly help?: readonly string[];
  run(context: CliContext): Promise<CliExit>;
}

/** A program with commands. */
export interface CommandLine {
  /** How a person calls it: `vitrine`, `npm run cloud --`. */
  readonly call: string;
  readonly commands: readonly CliCommand[];
}
