/**
 * How fast `npm run sim` is, and how fast its clock alone would be. `sim-rate.ts SEEDS MINUTES WORKERS`. Says one line:
 * `perMinute` and `floorPerMinute` (device-hours), `cpuSeconds` (of a device-hour), `deviceHours`, `timers` (of a device-hour), `broken` (seeds).
 */
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { runSeeds } from "../../sim/run-seeds.ts";
import { settling } from "../../sim/settle.ts";
import { simulate } from "../../sim/simulation.ts";

const [seeds = 1, minutes = 60, workers = 1] = process.argv.slice(2).map(Number);
/** Timers of an agent that wait at the same time, about. */
const WAITING = 50;
const EMPTY_HOURS = 20;

const timers = await timersOfAnHour();
const startedMs = performance.now();
const startedCpu = process.cpuUsage();
let deviceHours = 0;
let broken = 0;
await runSeeds({ seed: 1, seeds, minutes, workers }, (result) => {
  deviceHours += result.deviceHours;
  if (result.breach !== undefined) broken += 1;
});
const tookMinutes = (performance.now() - startedMs) / 60_000;
const { user, system } = process.cpuUsage(startedCpu);
const emptyMinutes = await emptyRun(timers * EMPTY_HOURS);
const answer = { perMinute: deviceHours / tookMinutes, floorPerMinute: (workers * EMPTY_HOURS) / emptyMinutes, cpuSeconds: (user + system) / 1e6 / deviceHours, deviceHours, timers, broken };
console.log(JSON.stringify(answer));

/** How many timers a device makes in an hour, on average of one seed. */
async function timersOfAnHour(): Promise<number> {
  const { figures, deviceHours: hours } = await simulate({ seed: 1, minutes });
  return Math.round((figures["timers"] ?? 0) / hours);
}

/** So many timers that do nothing, and what the simulation does between two of them; how many minutes that takes. */
async function emptyRun(count: number): Promise<number> {
  const time = new VirtualTime({ settle: settling() });
  let left = count;
  const arm = (delayMs: number): void => {
    if (left <= 0) return;
    left -= 1;
    time.after("empty", delayMs, () => arm(delayMs));
  };
  for (let n = 1; n <= WAITING; n += 1) arm(n * 100);
  const beganMs = performance.now();
  await time.runUntilIdle(Number.MAX_SAFE_INTEGER);
  return (performance.now() - beganMs) / 60_000;
}
