/** A seed that failed once, and what it broke. Each is run by the tests. */
export interface Regression {
  readonly seed: number;
  readonly minutes: number;
  readonly broke: string;
}

/**
 * What a seed does changes with every change of the simulation's own dice; the bugs these found have unit tests of
 * their own beside the code. They stay because a seed that was hard once is likely to be hard again.
 */
export const REGRESSIONS: readonly Regression[] = [
  // An outbox that returned from memory to a full disk dropped batches and told them under numbers of two logs.
  { seed: 104, minutes: 240, broke: "nothing-lost" },
  { seed: 111, minutes: 240, broke: "nothing-lost" },
];
