import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeEnd, runCommand } from "./run-command.ts";
import type { Step, StepResult } from "./step.ts";

/** Making the card, booting it six times, and the suites. */
const TIMEOUT_MS = 25 * 60_000;

/**
 * The fast part of `npm run pi:bench`. Where the machine cannot emulate a Raspberry Pi (not root, not Debian 12, no package
 * archive) the bench reports itself as left out, which is no failure.
 */
export const piStep: Step = {
  name: "pi",
  title: "Emulated Raspberry Pi",
  async run({ root, scratch, env, signal }): Promise<StepResult> {
    const report = join(scratch, "pi.json");
    const nodeArgs = [join(root, "scripts/pi-bench/main.ts"), "--fast", "--report", report];
    const end = describeEnd(await runCommand({ nodeArgs, cwd: root, env: Object.fromEntries(env), timeoutMs: TIMEOUT_MS, signal }));
    const { passed, failures } = await readReport(report, `Emulated Raspberry Pi: ${end || "wrote no report"}`);
    return { passed, failed: failures.length, skipped: 0, failures };
  },
};

async function readReport(file: string, otherwise: string): Promise<{ readonly passed: number; readonly failures: readonly string[] }> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as { readonly passed: number; readonly failures: readonly string[] };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { passed: 0, failures: [otherwise] };
  }
}
