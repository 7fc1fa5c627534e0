import { resolve } from "node:path";
import { nearestName } from "../../core/config/nearest-name.ts";
import { askAgent } from "../local-api/local-client.ts";
import type { BundleAnswer, CommandsAnswer, ConfigAnswer, DoctorAnswer, EventsAnswer, LogsAnswer, StatusAnswer } from "../local-api/answers.ts";
import type { Issue, Result } from "../../../platform/ports/result.ts";
import { CLI_EXIT, type CliCommand, type CliContext, type CliExit } from "./command.ts";
import { statusText } from "./status-text.ts";
import { formatBytes, table } from "./table.ts";

const DATA_OPTION = { data: { type: "string" } } as const;
const DATA_HELP = ["--data DIR   the agent's data folder (default: $VITRINE_DATA, else .vitrine/devices/1 here, else /var/lib/vitrine)"];

/** Passed in so that tests need no real folders. */
export interface DeviceCommandDeps {
  /** The agent's socket for a data folder, or for the default one. An error when somebody else may be listening on it. */
  socketPath(data: string | undefined): Result<string>;
}

/** Commands that talk to the agent on this machine. */
export function deviceCommands(deps: DeviceCommandDeps): readonly CliCommand[] {
  const ask = async <T>(context: CliContext, method: string, params: Record<string, unknown> = {}, timeoutMs = 20_000): Promise<Result<T>> => {
    const path = deps.socketPath(context.options["data"] as string | undefined);
    return path.ok ? ((await askAgent(path.value, method, params, timeoutMs)) as Result<T>) : path;
  };
  /** Asks the agent, prints the answer or error, and returns the exit code. */
  const show = async <T>(context: CliContext, method: string, params: Record<string, unknown>, text: (answer: T) => string, exit: (answer: T) => CliExit = () => CLI_EXIT.ok): Promise<CliExit> => {
    const answer = await ask<T>(context, method, params, method === "support-bundle" ? 120_000 : 60_000);
    if (!answer.ok) return complain(context, answer.error);
    if (context.json) context.printJson(answer.value);
    else context.print(text(answer.value));
    return exit(answer.value);
  };
  return [
    {
      name: "status", summary: "Identity and current state of this device.", usage: "[--data DIR]", options: DATA_OPTION, help: DATA_HELP,
      run: (context) => show<StatusAnswer>(context, "status", {}, statusText),
    },
    {
      name: "doctor", summary: "Checks everything the device needs and says how to fix what is wrong.", usage: "[--data DIR]", options: DATA_OPTION,
      help: [...DATA_HELP, "Exit code 1 when a check failed."],
      run: (context) => show<DoctorAnswer>(context, "doctor", {}, doctorText, (answer) => (answer.checks.some((check) => check.status === "failed") ? CLI_EXIT.notSo : CLI_EXIT.ok)),
    },
    {
      name: "config", summary: "The configuration in force, its file, and where each value comes from.", usage: "[KEY] [--data DIR]", options: DATA_OPTION, argsMax: 1,
      help: [...DATA_HELP, "Exit code 78 when the configuration has an error; the device uses the defaults of invalid keys."],
      run: async (context) => {
        const answer = await ask<ConfigAnswer>(context, "config", {}, 60_000);
        return answer.ok ? showConfig(context, answer.value, context.args[0]) : complain(context, answer.error);
      },
    },
    {
      name: "commands", summary: "Commands the device has received, newest first, with their outcomes.", usage: "[--limit N] [--data DIR]", options: { ...DATA_OPTION, limit: { type: "string" } }, help: DATA_HELP,
      run: (context) => withLimit(context, 20, (limit) => show<CommandsAnswer>(context, "commands", { limit }, commandsText)),
    },
    {
      name: "events", summary: "Records waiting to be sent to the cloud.", usage: "[--limit N] [--data DIR]", options: { ...DATA_OPTION, limit: { type: "string" } }, help: DATA_HELP,
      run: (context) => withLimit(context, 50, (limit) => show<EventsAnswer>(context, "events", { limit }, eventsText)),
    },
    {
      name: "pair", summary: "The code for claiming this device.", usage: "[--data DIR]", options: DATA_OPTION, help: DATA_HELP,
      run: (context) => show<StatusAnswer>(context, "status", {}, pairText, (answer) => (answer.owner.kind === "claimed" || answer.pairing !== undefined ? CLI_EXIT.ok : CLI_EXIT.notSo)),
    },
    {
      name: "logs", summary: "The last lines of the agent's and the player's log.", usage: "[--lines N] [--data DIR]", options: { ...DATA_OPTION, lines: { type: "string" } }, help: DATA_HELP,
      run: (context) => withLimit(context, 100, (lines) => show<LogsAnswer>(context, "logs", { lines }, (answer) => answer.lines.join("\n")), "lines"),
    },
    {
      name: "support-bundle", summary: "Writes a zip with status, checks, configuration (without secrets) and logs.", usage: "[--out FILE] [--data DIR]", options: { ...DATA_OPTION, out: { type: "string" } },
      help: [...DATA_HELP, "--out FILE   target file; the agent's user must be able to write it (default: support/vitrine-support.zip in the data folder, replacing the last one)"],
      run: (context) => {
        const out = context.options["out"] as string | undefined;
        return show<BundleAnswer>(context, "support-bundle", out === undefined ? {} : { out: resolve(out) }, (answer) => `${answer.path} (${formatBytes(answer.bytes)}): ${answer.files.join(", ")}`);
      },
    },
    {
      name: "cloud", summary: "Moved: use `npm run cloud` in the source tree for the development cloud.", usage: "", freeOptions: true,
      run: (context) => {
        context.complainOf({ code: "cli.moved", message: "the development cloud has its own command line, which is not installed on a device", hint: "in the source tree: npm run cloud -- devices" });
        return Promise.resolve(CLI_EXIT.usage);
      },
    },
  ];
}

/** Prints an issue and returns the exit code for it. */
function complain(context: CliContext, issue: Issue): CliExit {
  context.complainOf(issue);
  return /^(?:local\.(?:no-agent|forbidden|timeout|connection|no-answer)|socket\.untrusted-folder)$/.test(issue.code) ? CLI_EXIT.unreachable : CLI_EXIT.notSo;
}

async function withLimit(context: CliContext, fallback: number, run: (limit: number) => Promise<CliExit>, option = "limit"): Promise<CliExit> {
  const given = context.options[option];
  const limit = given === undefined ? fallback : Number(given);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 10_000) return run(limit);
  context.complain(`vitrine: --${option} takes a whole number from 1 to 10,000, not "${String(given)}"`);
  return CLI_EXIT.usage;
}

function doctorText(answer: DoctorAnswer): string {
  const marks = { ok: "ok", warning: "warning", failed: "FAILED", unsupported: "—" } as const;
  const lines = answer.checks.map((check) => [`${marks[check.status]}`, check.name, check.message + (check.todo === undefined ? "" : `\n${" ".repeat(10)}→ ${check.todo}`)]);
  const failed = answer.checks.filter((check) => check.status === "failed").length;
  return `${table(lines)}\n\n${failed === 0 ? "Nothing failed." : `${failed} of ${answer.checks.length} checks failed.`}`;
}

/**
 * Prints the whole configuration, or one key and those below it. An unknown key is an error (`config.unknown-key`), so
 * that a misspelt one does not pass in a script.
 */
function showConfig(context: CliContext, answer: ConfigAnswer, only: string | undefined): CliExit {
  const entries = answer.entries.filter(({ key }) => only === undefined || key === only || key.startsWith(`${only}.`));
  if (only !== undefined && entries.length === 0) {
    const near = nearestName(only, answer.entries.map(({ key }) => key));
    const hint = near === undefined ? "`vitrine config` lists every key" : `did you mean ${near}?`;
    context.complainOf({ code: "config.unknown-key", message: `there is no key ${JSON.stringify(only)}`, hint });
    return CLI_EXIT.usage;
  }
  if (context.json) context.printJson({ ...answer, entries });
  else context.print(configText({ ...answer, entries }));
  return answer.issues.length > 0 ? CLI_EXIT.badConfiguration : CLI_EXIT.ok;
}

function configText({ file, entries, issues: wrong }: ConfigAnswer): string {
  const rows = entries.map((entry) => [entry.key, entry.secret ? (entry.isSet === true ? "(secret)" : "(not set)") : JSON.stringify(entry.value) ?? "—", `from ${entry.source}`]);
  const issues = wrong.map((issue) => `! ${issue.message} [${issue.code}]${issue.hint === undefined ? "" : `\n  → ${issue.hint}`}`);
  return [`file ${file}`, table(rows), ...issues].filter((text) => text !== "").join("\n");
}

function commandsText(answer: CommandsAnswer): string {
  if (answer.commands.length === 0) return "no commands yet";
  const time = (ms: number): string => new Date(ms).toISOString();
  return table(answer.commands.map((command) => [time(command.receivedMs), command.name, command.state, command.outcome?.error?.message ?? "", command.id]));
}

function eventsText(answer: EventsAnswer): string {
  if (answer.waiting.length === 0) return "nothing is waiting: the cloud has stored everything";
  return table(answer.waiting.map((record) => [new Date(record.wallMs).toISOString(), record.stream, String(record.seq), record.kind, JSON.stringify(record.body)]));
}

function pairText(answer: StatusAnswer): string {
  if (answer.owner.kind === "claimed") return `claimed by ${answer.owner.name}`;
  if (answer.pairing === undefined) return `no code yet: ${answer.linkSentence}`;
  return `${answer.pairing.code}   enter it at ${answer.pairing.claimUrl}`;
}
