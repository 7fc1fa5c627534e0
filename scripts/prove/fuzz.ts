/**
 * `npm run prove:fuzz -- --frames 1000000 [--seed S]`: sends generated and mutated frames to every input gate. Nothing may
 * throw, and memory may not grow.
 */
import { cpus } from "node:os";
import { fuzzTarget } from "./fuzz/run-fuzz.ts";
import { fuzzTargets } from "./fuzz/targets.ts";
import { campaignOptions, seeded } from "./harness/options.ts";

const { numbers, seed } = campaignOptions("prove:fuzz [--frames N] [--seed S]", { frames: [1_000_000, 1] });
console.log(`prove:fuzz, seed ${seed}, ${numbers.frames} frames; ${cpus().length} × ${cpus()[0]?.model ?? "?"}`);
let violations = 0;
let frames = 0;
for (const target of await fuzzTargets()) {
  const figures = await fuzzTarget(target, Math.ceil(numbers.frames * target.share), seeded(seed));
  frames += figures.frames;
  violations += figures.violations.length;
  console.log(`${figures.name}: ${figures.frames} frames, ${figures.perSecond}/s, heap ${(figures.heapGrewBytes / 1_048_576).toFixed(1)} MiB, ${figures.violations.length} violations`);
  for (const text of figures.violations) console.log(`  VIOLATION ${text}`);
}
console.log(`${frames} frames: ${violations} violations; seed ${seed}`);
process.exitCode = violations === 0 ? 0 : 1;
