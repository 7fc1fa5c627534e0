/** Result of one step of the test run. */
export interface StepResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line per failure, repeated at the end of the run. */
  readonly failures: readonly string[];
}

export interface StepContext {
  readonly root: string;
  /** Temporary folder of this run. */
  readonly scratch: string;
  /** Environment variables for later steps, such as the browser that was found. */
  readonly env: Map<string, string>;
  readonly leftOut: (what: string, why: string) => void;
  readonly signal: AbortSignal;
}

/** One part of `npm test`. Throwing counts as a failure. */
export interface Step {
  /** Name on the command line: `npm test -- lint types`. */
  readonly name: string;
  readonly title: string;
  /** Runs at the same time as the next step, if both have this: each keeps one core busy at most. */
  readonly besideNext?: true;
  run(context: StepContext): Promise<StepResult>;
}

/** Result of a step with a single check. An empty `failure` means passed. */
export function oneCheck(failure: string): StepResult {
  return failure === "" ? { passed: 1, failed: 0, skipped: 0, failures: [] } : { passed: 0, failed: 1, skipped: 0, failures: [failure] };
}

/** The steps in order, two together where both may run beside another. */
export function inPairs(steps: readonly Step[]): readonly (readonly Step[])[] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (step.besideNext === true && last?.length === 1 && last[0]?.besideNext === true) last.push(step);
    else groups.push([step]);
  }
  return groups;
}
