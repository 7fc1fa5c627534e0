/** One measured figure beside a peer in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string;
  readonly peerValue: number;
  /** `value` divided by `peerValue`. */
  readonly ratio: number;
  /** Highest ratio to reach, or with `of: "value"` highest value. Absent: measured to judge another figure by. */
  readonly target?: number;
  readonly of?: "value";
}

/** The figures that a guest program printed, one `#FIGURE` line each. */
export function figuresIn(console: string): readonly Figure[] {
  return [...console.matchAll(/^#FIGURE (.*)$/gm)].map(([, text = ""]) => JSON.parse(text) as Figure);
}

/** Prints the table. A target that is not reached is no failure. */
export function printFigures(figures: readonly Figure[]): void {
  if (figures.length === 0) return;
  console.log("\nfigure | value | peer in the same run | ratio | target");
  for (const { name, value, unit, peer, peerValue, ratio, target, of } of figures) {
    const judged = of === "value" ? value : ratio;
    const goal = of === "value" ? `≤ ${target} ${unit}` : `≤ ${target}`;
    const verdict = target === undefined ? "" : `${goal}: ${judged <= target ? "reached" : "not reached"}`;
    console.log(`${name} | ${value.toFixed(2)} ${unit} | ${peer}: ${peerValue.toFixed(2)} ${unit} | ${ratio.toFixed(2)} | ${verdict}`);
  }
}
