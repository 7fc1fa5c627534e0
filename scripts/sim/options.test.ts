import { describe, expect, it } from "vitest";
import { MINUTES_DEFAULT, readOptions } from "./options.ts";

describe("options of the simulation", () => {
  it("runs one named seed, and several otherwise", () => {
    expect(readOptions(["--seed", "42"])).toMatchObject({ ok: true, value: { seeds: 1, seed: 42, minutes: MINUTES_DEFAULT, workers: 1 } });
    expect(readOptions([])).toMatchObject({ ok: true, value: { seed: 1 } });
    expect(readOptions(["--seeds", "8", "--seed", "3", "--minutes", "5"])).toMatchObject({ ok: true, value: { seeds: 8, seed: 3, minutes: 5 } });
  });

  it("recognises a request for help", () => {
    expect(readOptions(["--help"])).toEqual({ ok: true, value: "help" });
    expect(readOptions(["--seeds", "3", "-h"])).toEqual({ ok: true, value: "help" });
  });

  it("reports what is wrong with anything else", () => {
    for (const args of [["--sed", "1"], ["--seed"], ["--seed", "-1"], ["--seeds", "0"], ["--minutes", "1e9"], ["7"]]) {
      expect(readOptions(args)).toMatchObject({ ok: false, error: { code: "sim.usage" } });
    }
  });
});
