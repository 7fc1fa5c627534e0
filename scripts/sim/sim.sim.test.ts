import { describe, expect, it } from "vitest";
import { NO_FAULTS } from "./faults.ts";
import { REGRESSIONS } from "./regressions.ts";
import { describeFailure } from "./report.ts";
import { simulate, type SimulationOptions } from "./simulation.ts";

/** Fixed seeds: new ones every day could break a build without a change. `npm run sim` runs others. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const MINUTES = 60;

/** Empty when the seed holds; otherwise the report for people. */
async function failureOf(options: SimulationOptions): Promise<string> {
  const result = await simulate(options);
  return result.breach === undefined ? "" : describeFailure(result, options.minutes);
}

describe("whole devices and clouds under one clock", () => {
  it.each(SEEDS)("seed %i holds", async (seed) => {
    expect(await failureOf({ seed, minutes: MINUTES })).toBe("");
  });

  it.each(REGRESSIONS)("seed $seed, which once broke $broke, holds", async ({ seed, minutes }) => {
    expect(await failureOf({ seed, minutes })).toBe("");
  });

  it("a world without faults is quiet: one start, one connection besides those for the call home and the last network settings, no loss, nothing excused", async () => {
    const result = await simulate({ seed: 5, minutes: 60, devices: 1, faults: NO_FAULTS, workload: { movesPerHour: 0, networksPerHour: 0, floodsPerHour: 0, commandsPerHour: 0, updatesPerHour: 0 } });
    expect(result.breach).toBeUndefined();
    expect(result.figures).toMatchObject({ starts: 1, connects: 3, gaps: 0, excused: 0, restores: 0 });
    expect(result.figures["stored"]).toBe(result.figures["accepted"]);
  });

  it("the same seed gives the same trace byte for byte, and another seed a different one", async () => {
    const first = await simulate({ seed: 77, minutes: 45, keepEvents: true });
    const again = await simulate({ seed: 77, minutes: 45, keepEvents: true });
    const other = await simulate({ seed: 78, minutes: 45 });
    expect(again.last).toEqual(first.last);
    expect(again.hash).toBe(first.hash);
    expect(again.figures).toEqual(first.figures);
    expect(other.hash).not.toBe(first.hash);
  });
});
