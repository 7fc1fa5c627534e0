import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reportLeftOut } from "../../check/left-out.ts";
import { printFigures, type Figure } from "../figures.ts";
import { bundleGuest } from "../guest-suite.ts";
import type { SuiteResult } from "../tap.ts";
import { agentFigures } from "./agent-figures.ts";
import { runChecks, type Check } from "./checks.ts";
import { COMMAND_CHECKS } from "./command-checks.ts";
import { EmulatedPlayer } from "./emulated-player.ts";
import { POWER_CHECKS } from "./power-checks.ts";
import { WATCHDOG_CHECKS } from "./watchdog-checks.ts";

export interface AgentRun {
  readonly card: string;
  readonly consolePath: string;
  /** Only checks with this text in their name run, and those that are needed. */
  readonly check: string;
  /** Without the slow checks and the figures. */
  readonly fast: boolean;
}

/** Runs the built agent as a whole player, against a development cloud on this machine. */
export async function runAgent({ card, consolePath, check, fast }: AgentRun): Promise<{ readonly result: SuiteResult; readonly figures: readonly Figure[] }> {
  const figures: Figure[] = [];
  const measure: Check = {
    name: "its memory and its idle processor time are measured beside bare Node",
    slow: true,
    run: async (player) => {
      figures.push(...(await agentFigures(player)));
      // Also at once, since what follows takes half an hour.
      printFigures(figures);
    },
  };
  const all = [...COMMAND_CHECKS, measure, ...POWER_CHECKS, ...WATCHDOG_CHECKS];
  if (!all.some(({ name }) => name.includes(check))) throw new Error(`no check of the agent has "${check}" in its name; they are:\n${all.map(({ name }) => name).join("\n")}`);
  const player = await EmulatedPlayer.open({ card, consolePath, programs: new Map([["player.mjs", await bundled("player")]]) });
  try {
    await player.boot();
    const checks = all.filter(({ name, needed }) => needed === true || name.includes(check));
    for (const { name, slow } of checks) if (fast && slow === true) reportLeftOut(`agent on the emulated Raspberry Pi: ${name}`, "it takes minutes; by hand: npm run pi:bench -- --only agent");
    return { result: await runChecks(checks.filter(({ slow }) => !fast || slow !== true), player), figures };
  } finally {
    await player.close();
  }
}

async function bundled(name: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pi-program-"));
  try {
    await bundleGuest(name, join(folder, "program.mjs"));
    return readFileSync(join(folder, "program.mjs"), "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
