import { numberOf } from "../harness/child-answer.ts";
import type { Figure } from "../figure.ts";

const PER_MINUTE_MIN = 1_000;
const WORKERS = 2;
const MINUTES = 120;

/** How much of a fleet's life a campaign of the simulation sees. */
export const sim: Figure = {
  name: "sim",
  title: "rate of the seeded simulation",
  needsBuild: false,
  async run(bench) {
    const seeds = bench.pick(60, 8);
    const answer = await bench.program("sim-rate", [seeds, MINUTES, WORKERS].map(String)).next();
    const broken = numberOf(answer, "broken");
    if (broken > 0) throw new Error(`${broken} of ${seeds} seeds broke an invariant: npm run sim -- --seeds ${seeds}`);
    const hours = Math.round(numberOf(answer, "deviceHours"));
    const how = `${seeds} seeds of ${MINUTES} minutes on ${WORKERS} threads with their warm-up, ${hours} device-hours`;
    const timers = numberOf(answer, "timers");
    const floor = { name: `its clock alone with ${timers} empty timers a device-hour`, value: numberOf(answer, "floorPerMinute"), unit: "device-hours/min" };
    return [
      { name: "sim.rate", value: numberOf(answer, "perMinute"), unit: "device-hours/min", floor, target: { of: "value", atLeast: PER_MINUTE_MIN }, how },
      { name: "sim.cpu", value: numberOf(answer, "cpuSeconds"), unit: "s", how: "processor time of a device-hour in that run, all threads" },
    ];
  },
};
