import { describe, expect, it } from "vitest";
import { NO_FAULTS, type Faults, type Workload } from "./faults.ts";
import { KINDS } from "./releases.ts";
import { describeFailure } from "./report.ts";
import { simulate } from "./simulation.ts";

const MINUTES = 240;
const FAULTS: Partial<Faults> = { killPerHour: 3, powerCutPerHour: 2, networkCutPerHour: 2, diskTroublePerHour: 2, writeFailsChance: 0.002, cutInUpdateChance: 0.02 };
const WORKLOAD: Partial<Workload> = {
  commandsPerHour: 2, desiredPerHour: 0, playsPerHour: 20, pageEventsPerHour: 0, floodsPerHour: 0, movesPerHour: 0, networksPerHour: 0,
  regulatorsPerHour: 0, powerCommandsPerHour: 0, sensorPerHour: 0, updatesPerHour: 10,
};
const SEEDS = [51, 52, 53];

/** How often each was drawn in all seeds. */
const drawn: Record<string, number> = {};

describe("software updates", () => {
  it.each(SEEDS)("seed %i: one outcome for each, which says what runs; no bad release stays, and nothing is lost over a switch", async (seed) => {
    const result = await simulate({ seed, minutes: MINUTES, devices: 1, faults: { ...NO_FAULTS, ...FAULTS }, workload: WORKLOAD });
    expect(result.breach === undefined ? "" : describeFailure(result, MINUTES)).toBe("");
    for (const [name, count] of Object.entries(result.figures)) drawn[name] = (drawn[name] ?? 0) + count;
  });

  it.each([
    ...KINDS.map((kind) => `asked: ${kind}`), "asked: good, downgrade", "asked: while another is under way", "asked: while offline", "asked: with a window",
    "power cuts at a step", "changes refused by a full disk", "confirmed", "succeeded", "canceled", "update.crashes", "update.picture-worse", "update.cloud-not-reached", "update.bad-package", "update.needs-package",
    "update.not-newer", "update.bad-signature", "update.unknown-key", "update.interrupted", "content.disk",
  ])("the seeds above drew: %s", (name) => {
    expect(drawn[`update ${name}`]).toBeGreaterThan(0);
  });
});
