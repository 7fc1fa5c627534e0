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

A command does something now; what should *stay* so is desired state. Every command is signed by the owner, bound to one
device, numbered and limited in time; [protocol.md](protocol.md) says how it travels. What this page says of each command is also in
[\`command-definitions.json\`](schema/command-definitions.json) (lane, times in ms, \`idempotent\`, \`afterCrash\`), beside the schemas of
parameters and results in [\`commands.json\`](schema/commands.json).

## What becomes of a command

\`delivered\` (on the device's disk) → \`running\` → one final state, which never changes:

| state | means |
|---|---|
| \`succeeded\` | the effect was **observed**; each command below says what that is. Where the hardware cannot be observed it was acknowledged, and the outcome's \`effect.observed\` says \`unsupported\` |
| \`failed\` | it was tried and did not come about, or nobody can tell (\`outcome-unknown\`) |
| \`rejected\` | it was never tried, and sending it again will not help |
| \`canceled\` | a signed cancel came in time, or stopped it on the way; then \`effect\` says what is known |
| \`expired\` | it was not started before its date, or within its time to live after delivery |
| \`timed-out\` | it was started and did not end in its time; whatever it says later is only logged |

- A command runs **once**. Its key is (\`id\`, \`attempt\`): the same key again is answered with the state it is in, and its
  outcome is sent again if the cloud had it before. A wanted re-run takes the next \`attempt\`.
- **Time to live** counts from delivery on a clock that no setting of the time moves; the date counts by the later of the cloud's clock and the device's own where that is synchronised.
  Neither depends on the device's own wall clock. A time to live above the maximum is rejected.
- Commands of one **lane** run one after the other in the order they came; lanes do not wait for each other. At most 32 wait in a lane.
- When the agent or the machine ends while a command runs, the device **asks the hardware** what became of it, and does
  nothing to it. Observed as it was wanted: \`succeeded\`, with the observation. Anything else ends \`failed\` with
  \`outcome-unknown\` and what was seen, in the same boot and in the next: what is so now does not say what was done. It never
  runs again by itself; where it is still wanted, send the next \`attempt\`. Two exceptions, in which nothing can be done twice:
  a command that changes nothing (below: *runs again*) does, and one that is known not to have begun runs for the first time,
  both only while their time to live lasts. After the fourth such end it is given up (\`command.restart-loop\`).
- **A command for the player waits for the player host**, which joins a restarted agent some moments after the cloud's first
  commands: it stays \`delivered\` until the host has joined and said what is on the screen (\`page.message\` and \`identify\` also
  until a page that is loading is there, at most 20 s), within its time to live, for at most a minute after the host went or the
  agent started, and for 10 s if that was longer ago. Then it ends \`failed\` with \`player.absent\`.
- A **level in percent** (brightness, volume) is what was wanted if it is seen within 2 percent of it after the hardware was told (0 is 0 alone).
  After a crash only exactly the wanted value is: the hardware may have been near before.
- A command that was \`delivered\` and not yet \`running\` when the agent ended just runs, unless it expired.
- A cancel that overtakes its command keeps it from running.

## Codes

All codes are in [codes.md](codes.md), those of the hardware too. These say what became of the command:

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
| \`command.timed-out\`, \`command.step-timed-out\` | timed-out | the whole, or one step without progress |
| \`command.crashed\` | failed | a fault of the agent; its log has more |
| \`command.not-journaled\` | failed | the disk refused, so nothing was tried |
| \`command.restart-loop\`, \`outcome-unknown\` | failed | see above |
| \`outcome.result-too-large\` | any | the result did not fit into a record and is left out |
| \`<part>.no-answer\`, \`<part>.effect-not-observed\`, \`<part>.not-attempted\` | failed | \`display\`, \`audio\`, \`gpio\`: silence; something else was seen; nothing left the device |
| \`reboot.did-not-happen\`, \`shutdown.did-not-happen\` | failed | the boot id is still the same |
| \`outcome-unknown\` | failed | also: the player host was asked (\`page.message\`, \`identify\`, \`reload-player\`, \`content.clear-cache\`) and gave no answer in time or before it went away; it may have done it, or may do it yet |
| \`player.absent\` | failed | no player host came in time, see above; nothing was done |
| \`player.no-content\`, \`player.no-page\`, \`player.not-reloaded\`, \`player.not-restarted\`, \`player.no-picture\` | failed | |

Answered with an \`error\` message and nothing else, because there is nothing to give an outcome to: a bad signature,
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
    `- The agent ended while it ran: ${afterCrash === "run-again" ? "runs again, it changes nothing" : "the hardware is asked, it never runs again"}`,
    `- Sent again as a new attempt: ${idempotent ? "does no harm" : "may do it a second time"}`,
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
