import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { SimulationOptions, SimulationResult } from "./simulation.ts";

/** Real time after which a seed that gave no result is given up. */
const HUNG_AFTER_MS = 300_000;

/** Nearly everything a simulation makes is garbage at once; with little room for it a sixth of the time goes into copying the rest. */
const YOUNG_MB = 192;
/** From the start, instead of growing to it. */
const SEMI_SPACE_MB = 64;

export interface SeedRange {
  readonly seed: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly workers: number;
}

/** Runs a range of seeds on several threads and hands each result over as it comes. Rejects when a worker breaks. */
export async function runSeeds(range: SeedRange, onResult: (result: SimulationResult) => void): Promise<void> {
  setFlagsFromString(`--min-semi-space-size=${SEMI_SPACE_MB}`);
  // Compiles each function plainly at once: of a few seeds, with their warm-up, it saves 6 % of the processor time.
  setFlagsFromString("--always-sparkplug");
  let next = range.seed;
  const end = range.seed + range.seeds;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.ts", import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
      let silence: NodeJS.Timeout | undefined;
      const give = (): void => {
        clearTimeout(silence);
        if (next >= end) {
          worker.terminate().then(() => resolve(), reject);
          return;
        }
        const seed = next;
        next += 1;
        worker.postMessage({ seed, minutes: range.minutes } satisfies SimulationOptions);
        // A loop of promises lets no timer of its thread run: only from here can it be seen.
        silence = setTimeout(() => {
          onResult(hung(seed));
          worker.terminate().then(() => resolve(work()), reject);
        }, HUNG_AFTER_MS);
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

function hung(seed: number): SimulationResult {
  const breach = { invariant: "time-moves", message: `no result within ${HUNG_AFTER_MS / 60_000} minutes of real time`, atMs: 0 };
  return { seed, hash: "", deviceHours: 0, events: 0, figures: {}, last: [], breach };
}
