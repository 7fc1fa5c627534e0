import type { MachineFacts } from "./harness/machine-facts.ts";
import { markdownTable } from "./harness/table.ts";
import { formatNumber, reachedText, type Line } from "./harness/verdict.ts";

/** The text of docs/budgets.md. */
export function budgetsDoc(lines: readonly Line[], machine: MachineFacts, date: string): string {
  const withTarget = lines.filter((line) => line.target !== null);
  const reached = withTarget.filter((line) => line.reached === true).length;
  const facts: readonly (readonly string[])[] = [
    ["date", date],
    ["processor", `${machine.processor}, ${machine.cores} cores`],
    ["memory", `${formatNumber(machine.memoryMiB)} MiB`],
    ["kernel", machine.kernel],
    ["disk", machine.disk],
    ["Node", machine.node],
  ];
  return `# Budgets

Written by \`npm run bench -- --write\`; do not edit. How each figure is measured is in [bench.md](bench.md).
${reached} of ${withTarget.length} targets are reached in this run.

${markdownTable(["machine", ""], facts)}

## Figures

${markdownTable(["figure", "value", "floor or peer, same run", "ratio", "target", "reached"], lines.map(row))}

## Physical floors

${floors(lines)}

## How

${lines.map((line) => `- \`${line.name}\`: ${line.how}.`).join("\n")}
`;
}

function row(line: Line): readonly string[] {
  return [
    `\`${line.name}\``,
    `${formatNumber(line.value)} ${line.unit}`,
    line.floor === null ? "" : `${line.floor.name}: ${formatNumber(line.floor.value)} ${line.floor.unit}`,
    line.ratio === null ? "" : formatNumber(line.ratio),
    line.target ?? "",
    reachedText(line),
  ];
}

/** The limits of this machine, measured in the same run. */
function floors(lines: readonly Line[]): string {
  const find = (name: string): Line | undefined => lines.find((line) => line.name === name);
  const paragraphs: string[] = [];
  const append = find("append.one-writer.p50")?.floor;
  const group = find("append.64-writers.rate");
  if (append !== null && append !== undefined) {
    const most = 64_000 / append.value;
    paragraphs.push(
      `One write with fdatasync takes ${formatNumber(append.value)} ms here at the median. Whoever waits for the disk before going on cannot be faster: ` +
        `64 writers that each wait for their own record get at most 64 records for each sync, which is ${formatNumber(most)} records/s on this disk` +
        (group?.reached === false ? `; the target of ${group.target ?? ""} is ${most < 20_000 ? "beyond" : "within"} that. Raw writes in groups of 64 reached ${formatNumber(group.floor?.value ?? 0)}, the outbox ${formatNumber(group.value)}.` : "."),
    );
  }
  const command = find("command.round-trip.p50");
  if (command !== undefined) {
    paragraphs.push(
      `A command is on the disk three times before its outcome is reported: taken and running, outcome in the journal, outcome in the outbox. ` +
        `Each is a sync of its own, because each allows the step after it. Two of them are in the floor that the target names; so of the ${formatNumber(command.value)} ms, ` +
        `${formatNumber((append?.value ?? 0) * 3)} ms are three median syncs of this disk.`,
    );
  }
  const drain = find("drain.rate");
  if (drain?.floor !== undefined && drain.floor !== null) {
    paragraphs.push(`The cloud alone, fed with ready-made frames from memory, takes ${formatNumber(drain.floor.value)} records/s here with two processes on ${"the same cores"}; a drain through it cannot be faster.`);
  }
  const memory = find("idle.memory.rss");
  if (memory?.floor !== undefined && memory.floor !== null) {
    paragraphs.push(`A Node process that does nothing has ${formatNumber(memory.floor.value)} MiB resident; nothing that runs in Node goes below. Most of that is the program file itself, shared by every Node process on the machine.`);
  }
  paragraphs.push("The machine is shared and its disk is virtual: syncs vary by a factor of ten within a minute. That is why floor and figure are taken by turns, and why a ratio says more than a value.");
  return paragraphs.join("\n\n");
}
