import { describe, expect, it } from "vitest";
import { NO_FAULTS, type Faults, type Workload } from "./faults.ts";
import { describeFailure } from "./report.ts";
import { simulate } from "./simulation.ts";

const MINUTES = 240;
/** Commands, schedules, rules with a busy sensor, hands at the TV, restarts of agent, player and machine: everything at one display. */
const FAULTS: Partial<Faults> = { killPerHour: 6, powerCutPerHour: 1, playerVanishPerHour: 4, remoteControlPerHour: 6, displayTroublePerHour: 2 };
const WORKLOAD: Partial<Workload> = {
  commandsPerHour: 0, desiredPerHour: 0, playsPerHour: 0, pageEventsPerHour: 0, floodsPerHour: 0, movesPerHour: 0, networksPerHour: 0,
  regulatorsPerHour: 3, powerCommandsPerHour: 10, sensorPerHour: 60,
};

describe("command, schedule, rule, ladder and drift against each other", () => {
  it.each([31, 32, 33])("seed %i: what somebody switched stays switched, and nothing oscillates", async (seed) => {
    const result = await simulate({ seed, minutes: MINUTES, devices: 1, faults: { ...NO_FAULTS, ...FAULTS }, workload: WORKLOAD });
    expect(result.breach === undefined ? "" : describeFailure(result, MINUTES)).toBe("");
    expect(result.figures["powerOrders"]).toBeGreaterThan(10);
  });
});
