/** Counts of one step of the test run, and the lines to repeat at the end of it. */
export interface StepResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line per failure, with the name to look for in the output above. */
  readonly failures: readonly string[];
}

export interface StepContext {
  readonly root: string;
  /** A folder of this run alone. */
  readonly scratch: string;
  /** Added to by a step (the browser it found), read by those after it. */
  readonly env: Map<string, string>;
  readonly leftOut: (what: string, why: string) => void;
  readonly signal: AbortSignal;
}

/** One part of `npm test`. It reports a failure as a result; throwing is counted as one too. */
export interface Step {
  /** As typed: `npm test -- lint types`. */
  readonly name: string;
  readonly title: string;
  run(context: StepContext): Promise<StepResult>;
}

/** The result of a step that is one check. */
export function oneCheck(failure: string): StepResult {
  return failure === "" ? { passed: 1, failed: 0, skipped: 0, failures: [] } : { passed: 0, failed: 1, skipped: 0, failures: [failure] };
}
