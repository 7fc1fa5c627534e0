/**
 * `npm test`: runs every check and test possible on this machine and continues after failures.
 * `npm test -- lint unit` runs only the named parts. The last line is `N passed, N failed`, plus `, N skipped` if any.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { styleText } from "node:util";
import { browserStep } from "./browser-step.ts";
import { importsStep } from "./imports-step.ts";
import { LEFT_OUT_FILE_ENV, readLeftOut, reportLeftOut } from "./left-out.ts";
import { piStep } from "./pi-step.ts";
import { programStep } from "./program-step.ts";
import { rootSteps } from "./roots-step.ts";
import { inPairs, oneCheck, type Step, type StepContext, type StepResult } from "./step.ts";
import { vitestStep } from "./vitest-step.ts";

const TSC = "node_modules/typescript/bin/tsc";

/** In execution order, quick ones first. Time limits are three times what an idle machine needs. */
const STEPS: readonly Step[] = [
  programStep("lint", "Lint", "node_modules/oxlint/bin/oxlint", []),
  programStep("types", "Types: the whole tree", TSC, ["-p", "tsconfig.json"]),
  programStep("types", "Types: pure folders, without Node or the DOM", TSC, ["-p", "tsconfig.pure.json"]),
  programStep("types", "Types: page code", TSC, ["-p", "tsconfig.dom.json"]),
  importsStep,
  vitestStep("unit", "Unit tests", 300_000),
  programStep("build", "Build", "scripts/build/main.ts", [], 120_000),
  browserStep,
  ...rootSteps,
  vitestStep("integration", "Integration tests", 1_500_000),
  vitestStep("e2e", "Browser tests", 1_800_000),
  vitestStep("sim", "Simulation", 480_000),
  piStep,
];

async function main(names: readonly string[]): Promise<number> {
  const known = [...new Set(STEPS.map((step) => step.name))];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`Unknown part: ${unknown.join(", ")}. Parts are: ${known.join(", ")}.`);
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  process.on("disconnect", () => stop.abort());
  // Listening alone must not keep this process alive.
  process.channel?.unref();
  const scratch = await mkdtemp(join(tmpdir(), "vitrine-test-"));
  process.env[LEFT_OUT_FILE_ENV] = join(scratch, "left-out.jsonl");
  try {
    const context: StepContext = {
      root: resolve(import.meta.dirname, "../.."),
      scratch,
      env: new Map([[LEFT_OUT_FILE_ENV, join(scratch, "left-out.jsonl")]]),
      leftOut: reportLeftOut,
      signal: stop.signal,
    };
    const steps = STEPS.filter((step) => names.length === 0 || names.includes(step.name));
    return await runSteps(steps, context);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runSteps(steps: readonly Step[], context: StepContext): Promise<number> {
  const results: StepResult[] = [];
  for (const together of inPairs(steps)) {
    if (context.signal.aborted) break;
    results.push(...(await Promise.all(together.map((step) => runStep(step, context)))));
  }
  if (context.signal.aborted) {
    console.log("\nStopped before the end.");
    return 130;
  }
  return summarise(results);
}

async function runStep(step: Step, context: StepContext): Promise<StepResult> {
  console.log(`\n${styleText("bold", `── ${step.title}`)}`);
  const startedMs = performance.now();
  const result = await step.run(context).catch((error: unknown) => oneCheck(`${step.title}: ${String(error)}`));
  const verdict = result.failed === 0 ? styleText("green", "ok") : styleText("red", "failed");
  console.log(`${verdict} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s${step.besideNext === true ? `: ${step.title}` : ""}`);
  return result;
}

function summarise(results: readonly StepResult[]): number {
  const sum = (pick: (result: StepResult) => number): number => results.reduce((total, result) => total + pick(result), 0);
  const failures = results.flatMap((result) => result.failures);
  if (failures.length > 0) console.log(`\n${styleText("bold", "Failed")}\n${failures.map((line) => `  ${line}`).join("\n")}`);
  const leftOut = readLeftOut(process.env[LEFT_OUT_FILE_ENV] ?? "");
  console.log(`\n${styleText("bold", "Left out on this machine")}`);
  for (const { what, why } of leftOut) console.log(`  ${what}: ${why}`);
  if (leftOut.length === 0) console.log("  nothing");
  const skipped = sum((result) => result.skipped);
  const failed = sum((result) => result.failed);
  console.log(`\n${sum((result) => result.passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
