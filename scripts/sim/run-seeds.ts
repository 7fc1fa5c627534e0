import { Worker } from "node:worker_threads";
import type { SimulationOptions, SimulationResult } from "./simulation.ts";

export interface SeedRange {
  readonly seed: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly workers: number;
}

/** Runs a range of seeds on several threads and hands each result over as it comes. Rejects when a worker breaks. */
export async function runSeeds(range: SeedRange, onResult: (result: SimulationResult) => void): Promise<void> {
  let next = range.seed;
  const end = range.seed + range.seeds;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.ts", import.meta.url));
      const give = (): void => {
        if (next >= end) {
          worker.terminate().then(() => resolve(), reject);
          return;
        }
        worker.postMessage({ seed: next, minutes: range.minutes } satisfies SimulationOptions);
        next += 1;
      };
      worker.on("message", (result: SimulationResult) => {
        onResult(result);
        give();
      });
      worker.on("error", reject);
      give();
    });
  await Promise.all(Array.from({ length: range.workers }, work));
}
