import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { COMMANDS, type CommandName } from "../../agent/protocol/commands/catalog.ts";
import type { CommandDefinition } from "../../agent/protocol/commands/definition.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { fieldsOf, type FieldWords } from "./schema-words.ts";

/** Writes docs/commands.md from the command definitions; `--check` only reports whether it is up to date. */
const FILE = fileURLToPath(new URL("../../docs/commands.md", import.meta.url));

const HEAD = `# Commands

Generated from \`agent/protocol/commands/\` by \`scripts/docs/commands-doc.ts\`. Do not edit by hand.

A command does something now; what should *stay* that way belongs in desired state. Every command is signed by the owner, bound to one
device, numbered and limited in time; [protocol.md](protocol.md) describes its transport. The properties of each command are also in
[\`command-definitions.json\`](schema/command-definitions.json) (lane, times in ms, \`idempotent\`, \`afterCrash\`), beside the schemas of
parameters and results in [\`commands.json\`](schema/commands.json).

## States of a command

\`delivered\` (on the device's disk) → \`running\` → one final state, which never changes:

| state | means |
|---|---|
| \`succeeded\` | the effect was **observed**; each command below says how. Where the hardware cannot be observed it was acknowledged, and the outcome's \`effect.observed\` is \`unsupported\` |
| \`failed\` | it was tried without success, or the result is not known (\`outcome-unknown\`) |
| \`rejected\` | it was never tried, and sending it again will not help |
| \`canceled\` | a signed cancel came in time, or stopped it while it ran; then \`effect\` says what is known |
| \`expired\` | it was not started before its date, or within its time to live after delivery |
| \`timed-out\` | it was started and did not end in time; any later result is only logged |

- A command runs **once**. Its key is (\`id\`, \`attempt\`): the same key again is answered with its present state, and its
  outcome is sent again if the cloud had it before. To run it again, send the next \`attempt\`.
- **Time to live** counts from delivery on the monotonic clock. The date is judged by the later of the cloud's clock and, where it is synchronised,
  the device's own. A device clock that is not synchronised has no influence. A time to live above the maximum is rejected.
- Commands of one **lane** run one after the other in the order of arrival; lanes do not wait for each other. At most 32 wait in a lane.
- If the agent or the machine ends while a command runs, the device **asks the hardware** for the result and does
  not act on it. If the wanted effect is observed: \`succeeded\`, with the observation. Anything else ends \`failed\` with
  \`outcome-unknown\` and what was seen, in the same boot and in the next: the present state does not prove what was done. It never
  runs again by itself; if it is still wanted, send the next \`attempt\`. Two exceptions, in which nothing can be done twice:
  a command that changes nothing (below: *runs again*) runs again, and one that is known not to have begun runs for the first time,
  both only within their time to live. After the fourth such end it is given up (\`command.restart-loop\`).
- **A command for the player waits for the player host**, which joins a restarted agent shortly after the cloud's first
  commands. It stays \`delivered\` until the host has joined and reported what is on the screen (\`page.message\` and \`identify\` also
  wait for a page that is loading, at most 20 s). It waits within its time to live, for at most a minute after the host disconnected or the
  agent started, and for 10 s if that was longer ago. Then it ends \`failed\` with \`player.absent\`.
- A **level in percent** (brightness, volume) counts as reached if it is observed within 2 percent after the hardware was set (0 must be exactly 0).
  After a crash only exactly the wanted value counts: the hardware may have been close to it before.
- A command that was \`delivered\` and not yet \`running\` when the agent ended runs afterwards, unless it expired.
- A cancel that arrives before its command prevents it from running.

## Codes

All codes are in [codes.md](codes.md), including those of the hardware. These concern the command itself:

| code | state | |
|---|---|---|
| \`command.unknown\` | rejected | this agent has no such command |
| \`command.unsupported\` | rejected | this device lacks what it needs |
| \`command.params-invalid\`, \`command.params-too-large\` | rejected | the message says where |
| \`command.ttl-too-long\` | rejected | |
| \`command.number-reused\` | rejected | another command, or a cancel of one, had this number; a cancel with a used number is answered with this as an \`error\` and not obeyed |
| \`command.lane-full\` | rejected | 32 commands wait for this hardware |
| \`command.expired\` | expired | |
| \`command.canceled\` | canceled | |
| \`command.timed-out\`, \`command.step-timed-out\` | timed-out | the whole command, or one step without progress |
| \`command.crashed\` | failed | a fault of the agent; its log has more |
| \`command.not-journaled\` | failed | the disk refused, so nothing was tried |
| \`command.restart-loop\`, \`outcome-unknown\` | failed | see above |
| \`outcome.result-too-large\` | any | the result did not fit into a record and was left out |
| \`<part>.no-answer\`, \`<part>.effect-not-observed\`, \`<part>.not-attempted\` | failed | \`display\`, \`audio\`, \`gpio\`: no answer; something else was observed; nothing was sent to the hardware |
| \`reboot.did-not-happen\`, \`shutdown.did-not-happen\` | failed | the boot id is still the same |
| \`outcome-unknown\` | failed | also: the player host was asked (\`page.message\`, \`identify\`, \`reload-player\`, \`content.clear-cache\`) and gave no answer in time or before it disconnected; it may have done it, or may still do it |
| \`player.absent\` | failed | no player host came in time, see above; nothing was done |
| \`player.no-content\`, \`player.no-page\`, \`player.not-reloaded\`, \`player.not-restarted\`, \`player.no-picture\` | failed | |

Answered only with an \`error\` message, because there is no command to give an outcome for: a bad signature,
\`command.malformed\`, \`command.other-device\`, \`command.key-reused\` (known key, other parameters), \`command.replayed\` (its number
is not above what is finished and forgotten; also acknowledged as \`rejected\`), \`command.busy\`, \`command.journal-full\`,
\`command.not-journaled\` (send it again later).

`;

/** Text of docs/commands.md. */
export function commandsDoc(): string {
  const names = Object.keys(COMMANDS) as CommandName[];
  const rows = names.map((name) => {
    const { summary, lane, expectedMs, timeoutMs } = COMMANDS[name];
    return `| [\`${name}\`](#${anchor(name)}) | ${summary} | ${lane} | ${duration(expectedMs)} | ${duration(timeoutMs)} |`;
  });
  return `${HEAD}## All commands\n\n| command | | lane | usually takes | time-out |\n|---|---|---|---|---|\n${rows.join("\n")}\n\n${names.map((name) => section(COMMANDS[name])).join("\n")}`;
}

function section(definition: CommandDefinition): string {
  const { name, summary, wall, proof, lane, needs, expectedMs, timeoutMs, stepTimeoutMs, ttlMs, ttlMaxMs, idempotent, afterCrash } =
    definition;
  const step = stepTimeoutMs === undefined ? "" : `, ${duration(stepTimeoutMs)} without progress`;
  return [
    `## ${name}`,
    "",
    summary,
    "",
    `- On the wall: ${wall}`,
    `- Succeeded means: ${proof}`,
    `- Needs: ${needs === undefined ? "nothing special" : `\`${needs}\``}; lane \`${lane}\``,
    `- Usually takes ${duration(expectedMs)}; timed out after ${duration(timeoutMs)}${step}`,
    `- Time to live: ${duration(ttlMs)} unless asked otherwise, at most ${duration(ttlMaxMs)}`,
    `- If the agent ends while it runs: ${afterCrash === "run-again" ? "it runs again, because it changes nothing" : "the hardware is asked; it never runs again"}`,
    `- A new attempt: ${idempotent ? "does no harm" : "may repeat the effect"}`,
    "",
    ...table("Parameters", fieldsOf(jsonSchemaOf(definition.params))),
    ...resultTable(fieldsOf(jsonSchemaOf(definition.result))),
  ].join("\n");
}

/** An outcome's `result` is an object even when the command has no result fields. */
function resultTable(fields: readonly FieldWords[]): string[] {
  return fields.length === 0 ? ["Result: `{}`.", ""] : table("Result", fields);
}

function table(title: string, fields: readonly FieldWords[]): string[] {
  if (fields.length === 0) return [`${title}: none.`, ""];
  const rows = fields.map(
    ({ name, required, value, description }) =>
      `| \`${name}\` | ${value} | ${required ? "" : "may be absent"} | ${description} |`,
  );
  return [`| ${title.toLowerCase()} | value | | |`, "|---|---|---|---|", ...rows, ""];
}

const UNITS = [
  [86_400_000, "day"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** In the largest unit that gives a multiple of one half: `1.5 s`, `10 min`, `1 day`. */
function duration(ms: number): string {
  const [size, unit] = UNITS.find(([candidate]) => ms >= candidate && ms % (candidate / 2) === 0) ?? [1, "ms"];
  return `${ms / size} ${unit}`;
}

/** GitHub's anchor of a heading. */
function anchor(name: string): string {
  return name.replaceAll(".", "");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const doc = commandsDoc();
  if (!process.argv.includes("--check")) await writeFile(FILE, doc);
  else if ((await readFile(FILE, "utf8").catch(() => "")) !== doc) {
    console.error("docs/commands.md is out of date with the command definitions; run: node scripts/docs/commands-doc.ts");
    process.exitCode = 1;
  }
}
