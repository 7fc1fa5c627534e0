import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { effectsFile, notedBytes, pauseMs } from "../harness/agent-process.ts";
import type { DeviceRig } from "../harness/device-rig.ts";
import { countEffects, readEffects } from "../harness/effects.ts";
import type { StoredRecord } from "../harness/ledger.ts";
import type { CommandSeen } from "./judge-commands.ts";

/** A command of the template (a pulse on its own line), and the cloud's row of it when the agent is killed. */
export interface TemplateCommand {
  readonly line: string;
  /** Its stage at the kill: outcome stored by the cloud, outcome in the outbox, running, or waiting behind the running one. */
  readonly stage: CommandSeen["stage"];
  readonly row: CommandRow;
}

/** Reference for a case. */
export interface TemplateCommands {
  readonly commands: readonly TemplateCommand[];
  /** Length of the effect notes when the agent was killed. */
  readonly effectsBytes: number;
}

type Sent = Omit<TemplateCommand, "row"> & { readonly id: string };

const STORED_LINES = ["GPIO5", "GPIO6", "GPIO12", "GPIO13", "GPIO16", "GPIO17"] as const;
const HELD_MS = 60_000;
/** The longest allowed, so that commands can still run in late cases of a campaign. */
const TTL_MS = 3_600_000;
/** Long enough for the link to be gone before the first command ends. */
const UNTIL_OFFLINE_MS = 4_000;
/** Limit for the acknowledgements; later the first command would be over. */
const ACKNOWLEDGED_MS = 3_500;

/** Sends commands and waits until their outcomes are stored. */
export async function sendStored(rig: DeviceRig): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  for (const line of STORED_LINES) {
    const { id } = pulse(rig, line, 20);
    if ((await rig.outcome(id, 5_000)) === undefined) throw new Error(`${id} had no outcome`);
    sent.push({ id, line, stage: "stored" });
  }
  return sent;
}

/** Sends four queued commands before the link goes: two end offline, one runs when the agent is killed, one waits for it. */
export async function sendOpen(rig: DeviceRig): Promise<readonly Sent[]> {
  const open: readonly (readonly [string, number, CommandSeen["stage"]])[] = [
    ["GPIO20", UNTIL_OFFLINE_MS, "queued"],
    ["GPIO21", 100, "queued"],
    ["GPIO22", HELD_MS, "running"],
    ["GPIO23", 50, "waiting"],
  ];
  const sent = open.map(([line, durationMs, stage]) => ({ ...pulse(rig, line, durationMs), line, stage }));
  for (const untilMs = performance.now() + ACKNOWLEDGED_MS; ; await pauseMs(10)) {
    if (sent.every(({ id }) => isAcknowledged(rig.row(id)))) return sent;
    if (performance.now() >= untilMs) throw new Error("the device did not acknowledge its commands");
  }
}

function pulse(rig: DeviceRig, line: string, durationMs: number): { readonly id: string } {
  const sent = rig.command("pulse", "gpio.pulse", { line, durationMs }, { kind: "pulse", line }, TTL_MS);
  if (sent === undefined) throw new Error("the cloud accepted no command");
  return sent;
}

function isAcknowledged(row: CommandRow | undefined): boolean {
  return row?.state === "delivered" || row?.state === "running";
}

/** After the kill: checks that each command is at its intended stage. */
export function standing(rig: DeviceRig, sent: readonly Sent[]): TemplateCommands {
  const effectsBytes = notedBytes(effectsFile(rig.place));
  const states = readEffects(effectsFile(rig.place)).map(({ state }) => state);
  const commands = sent.map(({ id, line, stage }) => {
    const row = rig.row(id);
    const effects = countEffects({ kind: "pulse", line }, states);
    if (row === undefined || effects !== (stage === "waiting" ? 0 : 1) || isAcknowledged(row) === (stage === "stored"))
      throw new Error(`${id} was meant to be ${stage} at the kill: ${row?.state ?? "unknown"}, ${effects} effects`);
    return { line, stage, row };
  });
  return { commands, effectsBytes };
}

/**
 * Releases the lines, as a kernel may when the process that drove them ends. A new pulse on a line that is still driven
 * could not be told from the one before.
 */
export function releaseLines(data: string): void {
  const file = join(data, "simulated-world.json");
  const world = JSON.parse(readFileSync(file, "utf8")) as { gpio: { lines: Record<string, { direction: string; driven: number; level: number }> } };
  for (const line of Object.values(world.gpio.lines)) {
    if (line.direction === "output") Object.assign(line, { driven: 0, level: 0 });
  }
  writeFileSync(file, JSON.stringify(world));
}

/** The cloud's rows with the acknowledgements, or with `again` without them, so that it sends the commands again. */
export function rowsToRestore({ commands }: TemplateCommands, again: boolean): readonly CommandRow[] {
  return commands.map(({ row, stage }) => {
    if (!again || stage === "stored") return row;
    return { ...row, state: "sent", stages: row.stages.filter(({ state }) => state === "queued" || state === "sent") };
  });
}

/** Counts effects over the template's run and the case. `fromBytes`: length of the notes at the start of the case. */
export function commandsSeen(rig: DeviceRig, { commands, effectsBytes }: TemplateCommands, fromBytes: number, records: readonly StoredRecord[], again: boolean): readonly CommandSeen[] {
  const states = readEffects(effectsFile(rig.place)).flatMap(({ state, endBytes }) => (endBytes <= effectsBytes || endBytes > fromBytes ? [state] : []));
  return commands.map(({ line, stage, row }) => ({
    id: row.id,
    stage,
    effects: countEffects({ kind: "pulse", line }, states),
    outcomes: records.flatMap(({ command, outcome }) => (command === `${row.id}/${row.attempt}` && outcome !== undefined ? [outcome] : [])),
    sentAgain: again && stage !== "stored",
  }));
}
