import { describe, expect, it } from "vitest";
import { NO_FAULTS, type Faults, type Workload } from "./faults.ts";
import { INVARIANTS } from "./invariants/all.ts";
import type { Sabotage } from "./simulation-context.ts";
import { simulate, type SimulationOptions } from "./simulation.ts";

interface Case {
  readonly sabotage: Sabotage;
  /** The sabotage must break one of these. */
  readonly breaks: readonly string[];
  readonly faults?: Partial<Faults>;
  readonly workload?: Partial<Workload>;
}

/** Nothing but regulators of the display. */
const AT_ONE_DISPLAY: Partial<Workload> = { commandsPerHour: 0, desiredPerHour: 0, playsPerHour: 0, pageEventsPerHour: 0, regulatorsPerHour: 6, powerCommandsPerHour: 20, sensorPerHour: 60 };

/** Nothing but updates. */
const UPDATES: Partial<Workload> = { commandsPerHour: 0, desiredPerHour: 0, playsPerHour: 0, pageEventsPerHour: 0, updatesPerHour: 20 };

const QUIET: Partial<Workload> = { movesPerHour: 0, networksPerHour: 0, playsPerHour: 100, floodsPerHour: 0, regulatorsPerHour: 0, powerCommandsPerHour: 0, sensorPerHour: 0, updatesPerHour: 0 };

/** A check that cannot fail is useless: each invariant must break when what it guards is sabotaged. */
const CASES: readonly Case[] = [
  { sabotage: "journal-forgets", breaks: ["one-effect"], faults: { killPerHour: 40, halfOpenPerHour: 60 }, workload: { commandsPerHour: 150 } },
  { sabotage: "double-pulse", breaks: ["one-effect"], workload: { commandsPerHour: 100 } },
  { sabotage: "double-order", breaks: ["one-effect"], workload: { commandsPerHour: 100 } },
  { sabotage: "invented-pulse", breaks: ["outcomes-are-true"], workload: { commandsPerHour: 100 } },
  { sabotage: "outbox-forgets", breaks: ["nothing-lost"] },
  // Network cuts keep taken-back records on the disk until the agent dies.
  { sabotage: "taken-back-vanishes", breaks: ["nothing-lost"], faults: { diskTroublePerHour: 20, killPerHour: 30, networkCutPerHour: 30 }, workload: { commandsPerHour: 150 } },
  { sabotage: "cloud-forgets", breaks: ["nothing-lost"] },
  { sabotage: "second-outcome", breaks: ["one-outcome"], workload: { commandsPerHour: 100 } },
  { sabotage: "host-stays-away", breaks: ["host-is-awaited"], faults: { killPerHour: 20 }, workload: { commandsPerHour: 150 } },
  { sabotage: "blind-witness", breaks: ["dark-is-left-alone"], faults: { outputOffPerHour: 10 } },
  { sabotage: "lying-audio", breaks: ["reported-is-true"] },
  { sabotage: "hammering", breaks: ["connects-bounded"], faults: { connectRefusedChance: 1 } },
  { sabotage: "never-heals", breaks: ["reconnects"], faults: { networkCutPerHour: 60 } },
  { sabotage: "desired-lost", breaks: ["desired-converges"] },
  // Needs a host that dies while it has spooled records, because it is cut off or the agent is away.
  { sabotage: "spool-forgets", breaks: ["nothing-lost"], faults: { killPerHour: 30, playerVanishPerHour: 40, powerCutPerHour: 10 }, workload: { playsPerHour: 400 } },
  { sabotage: "page-never-stored", breaks: ["drained"] },
  { sabotage: "no-way-back", breaks: ["never-stranded"], workload: { networksPerHour: 6 } },
  // Restarts do not hide it: the time is added up across them.
  { sabotage: "no-way-back", breaks: ["never-stranded"], faults: { killPerHour: 20 }, workload: { networksPerHour: 6 } },
  { sabotage: "hands-forgotten", breaks: ["hands-are-kept"], workload: AT_ONE_DISPLAY },
  { sabotage: "fluttering-rule", breaks: ["power-is-calm"], workload: { ...AT_ONE_DISPLAY, powerCommandsPerHour: 0 } },
  { sabotage: "deaf-lines", breaks: ["lamps-follow-rules"], workload: AT_ONE_DISPLAY },
  { sabotage: "host-unseen", breaks: ["reboots-help"], workload: { ...AT_ONE_DISPLAY, regulatorsPerHour: 2, powerCommandsPerHour: 0 } },
  { sabotage: "blind-confirmation", breaks: ["only-good-is-confirmed"], workload: UPDATES },
  { sabotage: "lenient-judge", breaks: ["no-picture-is-lost"], workload: UPDATES },
  // A release that does not start, and no updater after a power cut to take it back.
  { sabotage: "trial-unwatched", breaks: ["trials-end"], faults: { powerCutPerHour: 10, cutInUpdateChance: 0.05 }, workload: UPDATES },
  { sabotage: "no-old-release", breaks: ["releases-stay-whole"], workload: UPDATES },
  { sabotage: "invented-update", breaks: ["updates-are-true"], workload: UPDATES },
  { sabotage: "leaky-timers", breaks: ["timers-bounded"] },
  { sabotage: "numbers-reused", breaks: ["numbers-never-reused"], faults: { killPerHour: 20 } },
  { sabotage: "keys-forgotten", breaks: ["stored-once"], faults: { killAtPortChance: 0.003 }, workload: { playsPerHour: 400 } },
  { sabotage: "late-writes", breaks: ["on-disk-within-a-second"], faults: { killPerHour: 60 } },
  { sabotage: "no-cap", breaks: ["caps-hold"], faults: { connectRefusedChance: 1 }, workload: { floodsPerHour: 60 } },
  { sabotage: "throwing-timer", breaks: ["nothing-throws"] },
  { sabotage: "throwing-unit", breaks: ["no-unit-breaks", "nothing-throws"] },
];
const SEEDS = [11, 12, 13, 14];

function world({ faults, workload }: Case, seed: number): SimulationOptions {
  return { seed, minutes: 60, devices: 1, faults: { ...NO_FAULTS, ...faults }, workload: { ...QUIET, ...workload } };
}

describe("every invariant can break", () => {
  it.each(CASES)("$sabotage breaks $breaks", async (sabotaged) => {
    for (const seed of SEEDS) {
      const { breach } = await simulate({ ...world(sabotaged, seed), sabotage: sabotaged.sabotage });
      // It may need a seed in which it matters, but the first breach must be an expected one.
      if (breach === undefined) continue;
      expect(sabotaged.breaks, breach.message).toContain(breach.invariant);
      return;
    }
    expect.unreachable(`${sabotaged.sabotage} was not found`);
  });

  it.each(CASES)("without the sabotage, the world of $sabotage holds", async (sabotaged) => {
    expect((await simulate(world(sabotaged, SEEDS[0] ?? 0))).breach).toBeUndefined();
  });

  it("every invariant is covered", () => {
    const seen = new Set(CASES.flatMap(({ breaks }) => breaks));
    expect(INVARIANTS.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
  });
});
