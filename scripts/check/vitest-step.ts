import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describeEnd, runCommand } from "./run-command.ts";
import type { Step, StepContext, StepResult } from "./step.ts";

/** The part of vitest's JSON report used here. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Runs one vitest project and counts its tests. */
export function vitestStep(project: string, title: string, timeoutMs: number): Step {
  return {
    name: project,
    title,
    async run(context) {
      const reportFile = join(context.scratch, `vitest-${project}.json`);
      const end = await runCommand({
        nodeArgs: [
          join(context.root, "node_modules/vitest/vitest.mjs"),
          ...["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`],
        ],
        cwd: context.root,
        env: Object.fromEntries(context.env),
        timeoutMs,
        signal: context.signal,
      });
      const report = await readReport(reportFile);
      return countTests(report, `vitest ${project} ${describeEnd(end)}`, describeEnd(end) === "", context);
    },
  };
}

/** `undefined` without a usable report, as after a crash or a timeout. */
async function readReport(file: string): Promise<VitestReport | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as VitestReport;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Counts tests. A file that does not load, a failed hook, and a run that ended badly without one count as one failure each. */
export function countTests(
  report: VitestReport | undefined,
  endedHow: string,
  endedWell: boolean,
  context: Pick<StepContext, "root">,
): StepResult {
  let passed = 0;
  let skipped = 0;
  const failures: string[] = [];
  for (const file of report?.testResults ?? []) {
    const name = relative(context.root, file.name);
    for (const test of file.assertionResults) {
      if (test.status === "passed") passed += 1;
      else if (test.status === "failed") failures.push(`${name}: ${test.fullName}`);
      else skipped += 1;
    }
    const failedHere = file.assertionResults.some((test) => test.status === "failed");
    if (file.status === "failed" && !failedHere) failures.push(`${name}: ${firstLine(file.message) || "did not load"}`);
  }
  if (!endedWell && failures.length === 0) failures.push(endedHow);
  return { passed, failed: failures.length, skipped, failures };
}

function firstLine(text: string | undefined): string {
  return (text ?? "").trim().split("\n")[0] ?? "";
}
