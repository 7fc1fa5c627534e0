import type { Bench } from "./harness/bench.ts";

/** Reference value for a figure, measured in the same run. */
export interface Floor {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** Limit for the value itself or for its ratio to the floor. */
export type Target = { readonly of: "value" | "ratio" } & ({ readonly atMost: number } | { readonly atLeast: number });

/** One line of the table. */
export interface Measured {
  /** Stable, lower-case, dotted: `append.one-writer.p50`. Its first part is the figure's name. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Absent when nothing is comparable. */
  readonly floor?: Floor;
  /** Absent: for information only. */
  readonly target?: Target;
  /** How it was measured: how many runs, how long, what was extrapolated. */
  readonly how: string;
}

/** A group of lines that are measured together. */
export interface Figure {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** Whether it runs bundles of `dist/`. */
  readonly needsBuild: boolean;
  run(bench: Bench): Promise<readonly Measured[]>;
}
