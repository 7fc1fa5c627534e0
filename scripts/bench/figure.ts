import type { Bench } from "./harness/bench.ts";

/** What a figure is held against, measured in the same run. */
export interface Floor {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** What is to be reached: of the value itself, or of its ratio to the floor. */
export type Target = { readonly of: "value" | "ratio" } & ({ readonly atMost: number } | { readonly atLeast: number });

/** One line of the table. */
export interface Measured {
  /** Stable, lower-case, dotted: `append.one-writer.p50`. Its first part is the figure's name. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Absent where nothing could be less, or nothing is comparable. */
  readonly floor?: Floor;
  /** Absent: a fact beside the others, with nothing to reach. */
  readonly target?: Target;
  /** How it was measured: how many runs, how long, what was extrapolated. */
  readonly how: string;
}

/** A group of lines that are measured together. */
export interface Figure {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** Bundles of `dist/` it runs. */
  readonly needsBuild: boolean;
  run(bench: Bench): Promise<readonly Measured[]>;
}
