import { describe, expect, test } from "vitest";
import { simulate } from "./simulation.ts";

/** A few seeds in every test run; `npm run sim -- --seeds N` for many. */
const SEEDS = [1, 2, 3, 7, 21, 104, 111];
const MINUTES = 30;

describe("the whole system under everything that goes wrong", () => {
  test.each(SEEDS)("seed %i holds every invariant", async (seed) => {
    const result = await simulate({ seed, minutes: MINUTES });
    expect(result.breach, `npm run sim -- --seed ${seed} --minutes ${MINUTES} --trace\n${result.last.join("\n")}`).toBeUndefined();
    expect(result.events).toBeGreaterThan(100);
  });

  // A check that cannot fail proves nothing: each sabotage has to be found by some seed.
  test.each([{ outboxForgets: true }, { cloudForgets: true }, { doublePulse: true }, { hammering: true }])("%j is found", async (sabotage) => {
    const found: string[] = [];
    for (let seed = 1; seed <= 12 && found.length === 0; seed += 1) {
      const { breach } = await simulate({ seed, minutes: MINUTES, sabotage });
      if (breach !== undefined) found.push(breach.invariant);
    }
    expect(found).toHaveLength(1);
  });

  test("a seed replays to the same trace, byte for byte", async () => {
    const first = await simulate({ seed: 5, minutes: MINUTES });
    const second = await simulate({ seed: 5, minutes: MINUTES });
    expect(second.hash).toBe(first.hash);
    expect((await simulate({ seed: 6, minutes: MINUTES })).hash).not.toBe(first.hash);
  });
});
