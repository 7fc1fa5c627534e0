import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { messageOf, type WireIssue } from "../../../platform/ports/result.ts";
import { nearestName } from "../../core/config/nearest-name.ts";
import { CLI_EXIT, type CliCommand, type CliContext, type CliExit, type CommandLine } from "./command.ts";
import { table } from "./table.ts";

export interface CliOutput {
  out(text: string): void;
  err(text: string): void;
}

const COMMON: ParseArgsOptionsConfig = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } };

/** Finds the command in `words`, runs it, and returns the exit code. Never throws because of user input. */
export async function runCli(cli: CommandLine, words: readonly string[], output: CliOutput, signal: AbortSignal): Promise<CliExit> {
  const command = findCommand(cli, words);
  if (command === undefined) return withoutCommand(cli, words, output);
  const parsed = parse(command, words.slice(1));
  const usage = `usage: ${cli.call} ${command.name} ${command.usage}`;
  if (typeof parsed === "string") {
    output.err(`${cli.call} ${command.name}: ${parsed}\n${usage}`);
    return CLI_EXIT.usage;
  }
  if (parsed.options["help"] === true) {
    output.out(helpOf(cli, command));
    return CLI_EXIT.ok;
  }
  const extra = command.freeOptions === true ? undefined : parsed.args[command.argsMax ?? 0];
  if (extra !== undefined) {
    output.err(`${cli.call} ${command.name}: does not take "${extra}"\n${usage}`);
    return CLI_EXIT.usage;
  }
  const json = parsed.options["json"] === true;
  const context: CliContext = {
    ...parsed,
    json,
    usage,
    print: (text) => output.out(text),
    printJson: (value) => output.out(JSON.stringify(value)),
    complain: (text) => output.err(text),
    complainOf: (issue) => (json ? output.out(JSON.stringify({ error: issue })) : output.err(issueText(cli, issue))),
    signal,
  };
  return command.run(context);
}

function findCommand({ commands }: CommandLine, words: readonly string[]): CliCommand | undefined {
  return commands.find((command) => command.name === words[0]);
}

function issueText({ call }: CommandLine, { message, code, hint }: WireIssue): string {
  return `${call}: ${message} [${code}]${hint === undefined ? "" : `\n  → ${hint}`}`;
}

function withoutCommand(cli: CommandLine, words: readonly string[], output: CliOutput): CliExit {
  const helpWanted = words.some((word) => isHelp(word));
  const about = words.filter((word) => !isHelp(word));
  const one = helpWanted ? findCommand(cli, about) : undefined;
  const text = one !== undefined ? helpOf(cli, one) : about.length === 0 ? overview(cli) : undefined;
  if (text !== undefined && helpWanted) output.out(text);
  else if (text !== undefined) output.err(text);
  if (text !== undefined) return helpWanted ? CLI_EXIT.ok : CLI_EXIT.usage;
  const [word = ""] = about;
  const meant = nearestName(word, cli.commands.map((command) => command.name));
  output.err(`${cli.call}: there is no command "${word}"${meant === undefined ? "" : `; did you mean "${meant}"?`}\n\n${overview(cli)}`);
  return CLI_EXIT.usage;
}

function isHelp(word: string): boolean {
  return word === "help" || word === "--help" || word === "-h";
}

function parse(command: CliCommand, words: readonly string[]): { options: Record<string, string | boolean | undefined>; args: string[] } | string {
  const known: ParseArgsOptionsConfig = { ...COMMON, ...command.options };
  const { own, free } = command.freeOptions === true ? separate(known, words) : { own: [...words], free: [] };
  try {
    const { values, positionals } = parseArgs({ args: own, options: known, allowPositionals: true, strict: true });
    return { options: values as Record<string, string | boolean | undefined>, args: [...positionals, ...free] };
  } catch (thrown) {
    return messageOf(thrown).replace(/\. To specify a positional.*$/s, "");
  }
}

/** Splits words into known options with positionals (`own`) and those for the command that is sent (`free`). */
function separate(known: ParseArgsOptionsConfig, words: readonly string[]): { own: string[]; free: string[] } {
  const own: string[] = [];
  const free: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const whole = /^--([^=]+)/.exec(word)?.[1];
    const name = whole !== undefined && Object.hasOwn(known, whole) ? whole : /^--(?:no-)?([^=]+)/.exec(word)?.[1];
    if (name === undefined && !(word === "-h")) own.push(word);
    else if (name !== undefined && !Object.hasOwn(known, name)) {
      free.push(word);
      const next = words[at + 1];
      if (!word.includes("=") && next !== undefined && !next.startsWith("--")) {
        free.push(next);
        at += 1;
      }
    } else {
      own.push(word);
      if (name !== undefined && known[name]?.type === "string" && !word.includes("=")) own.push(words[(at += 1)] ?? "");
    }
  }
  return { own, free };
}

function helpOf({ call }: CommandLine, command: CliCommand): string {
  const lines = [`${call} ${command.name} ${command.usage}`, "", command.summary];
  if (command.help !== undefined) lines.push("", ...command.help);
  lines.push("", "--json prints one JSON value per line. Exit codes: 0 success, 1 failed, 2 usage, 3 unreachable, 78 bad configuration.");
  return lines.join("\n");
}

function overview({ call, commands }: CommandLine): string {
  const rows = commands.map((command) => [`  ${call} ${command.name}`, command.summary]);
  return `Commands (add --help to a command for details):\n${table(rows)}\n\nEvery command accepts --json. Exit codes: 0 success, 1 failed, 2 usage, 3 unreachable, 78 bad configuration.`;
}
