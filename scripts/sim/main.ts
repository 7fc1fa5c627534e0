import { describeFailure, describeHour, describeSeed } from "./report.ts";
import { runSeeds } from "./run-seeds.ts";
import { readOptions, SIM_USAGE, type SimOptions } from "./options.ts";
import { simulate, type SimulationResult } from "./simulation.ts";

const FAILURES_SHOWN = 5;

const options = readOptions(process.argv.slice(2));
if (!options.ok) {
  console.error(`${options.error.message}\n${options.error.hint ?? ""}`);
  process.exitCode = 2;
} else if (options.value === "help") console.log(`usage: ${SIM_USAGE}\n\ndocs/simulation.md says what it shows.`);
else process.exitCode = await main(options.value);

/** 0: every seed held; 1: some did not. */
async function main({ seeds, seed, minutes, workers, trace }: SimOptions): Promise<number> {
  const startedMs = performance.now();
  const failed: SimulationResult[] = [];
  let deviceHours = 0;
  const hours: Pick<SimulationResult, "deviceHours" | "figures">[] = [];
  const take = (result: SimulationResult): void => {
    deviceHours += result.deviceHours;
    hours.push({ deviceHours: result.deviceHours, figures: result.figures });
    if (result.breach === undefined) {
      if (trace) for (const line of result.last) console.log(`    ${line.slice(0, 240)}`);
      console.log(describeSeed(result));
      return;
    }
    failed.push(result);
    if (failed.length <= FAILURES_SHOWN) console.log(describeFailure(result, minutes, trace ? 400 : 40));
    else console.log(`seed ${result.seed} broke ${result.breach.invariant}: ${result.breach.message}`);
  };
  if (seeds === 1) take(await simulate({ seed, minutes, keepEvents: trace }));
  else await runSeeds({ seed, seeds, minutes, workers }, take);
  const tookMinutes = (performance.now() - startedMs) / 60_000;
  const rate = Math.round(deviceHours / tookMinutes);
  console.log(`${seeds - failed.length} of ${seeds} seeds held, ${failed.length} failed; ${deviceHours.toFixed(0)} device-hours in ${(tookMinutes * 60).toFixed(1)} s: ${rate} device-hours a minute on ${workers} threads`);
  const { user, system } = process.cpuUsage();
  if (deviceHours > 0) console.log(`${describeHour(hours)}; it took ${((user + system) / 1e6 / deviceHours).toFixed(3)} s of processor time`);
  if (failed.length > 0) console.log(`failed: ${failed.map((result) => `${result.seed} (${result.breach?.invariant ?? ""})`).join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}
