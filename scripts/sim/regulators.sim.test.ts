import { describe, expect, it } from "vitest";
import { NO_FAULTS, type Faults, type Workload } from "./faults.ts";
import { describeFailure } from "./report.ts";
import { simulate } from "./simulation.ts";

const MINUTES = 240;
/** Commands, schedules, rules with a busy sensor, hands at the TV, a page that hangs, outputs that are off, restarts of agent, player and machine: everything at one display. */
const FAULTS: Partial<Faults> = { killPerHour: 6, powerCutPerHour: 1, playerVanishPerHour: 4, remoteControlPerHour: 6, displayTroublePerHour: 2, outputOffPerHour: 0.5, pageHangsPerHour: 1 };
const WORKLOAD: Partial<Workload> = {
  commandsPerHour: 0, desiredPerHour: 0, playsPerHour: 0, pageEventsPerHour: 0, floodsPerHour: 0, movesPerHour: 0, networksPerHour: 0,
  regulatorsPerHour: 3, powerCommandsPerHour: 10, sensorPerHour: 60, updatesPerHour: 0,
};

describe("command, schedule, rule, ladder and drift against each other", () => {
  it.each([31, 32, 33])("seed %i: what somebody switched stays switched, and nothing oscillates", async (seed) => {
    const result = await simulate({ seed, minutes: MINUTES, devices: 1, faults: { ...NO_FAULTS, ...FAULTS }, workload: WORKLOAD });
    expect(result.breach === undefined ? "" : describeFailure(result, MINUTES)).toBe("");
    expect(result.figures["powerOrders"]).toBeGreaterThan(10);
  });

  // Seeds in which the screen is to be on while the host is lost: in the dark the agent does not reboot.
  it.each([35, 37])("seed %i: a player host that is lost costs a reboot, and a picture that is good costs none", async (seed) => {
    const faults = { ...NO_FAULTS, killPerHour: 0.3, outputOffPerHour: 0.5, pageHangsPerHour: 1, hostLostPerHour: 1.5 };
    const workload = { ...WORKLOAD, powerCommandsPerHour: 0, regulatorsPerHour: 1 };
    const result = await simulate({ seed, minutes: MINUTES, devices: 1, faults, workload });
    expect(result.breach === undefined ? "" : describeFailure(result, MINUTES)).toBe("");
    expect(result.figures["ownReboots"]).toBeGreaterThan(0);
  });
});
