import { availableParallelism } from "node:os";
import { fail, ok, type Result } from "../tool-result.ts";

/** What `--help` asks for. */
export const SIM_USAGE = "npm run sim -- [--seeds N] [--seed S] [--minutes M] [--workers W] [--trace]";

export interface SimOptions {
  readonly seeds: number;
  /** The first of them. */
  readonly seed: number;
  /** Virtual minutes in which things go wrong, per seed. */
  readonly minutes: number;
  readonly workers: number;
  /** Shows the last events of a single seed even when nothing broke. */
  readonly trace: boolean;
}

export const MINUTES_DEFAULT = 120;
const NUMBERS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  "--seeds": [1, 1_000_000],
  "--seed": [0, 2 ** 32 - 1],
  "--minutes": [1, 100_000],
  "--workers": [1, 64],
};

/** The command line. Error: `sim.usage`. */
export function readOptions(args: readonly string[]): Result<SimOptions | "help"> {
  if (args.includes("--help") || args.includes("-h")) return ok("help");
  const given = new Map<string, number>();
  let trace = false;
  for (let at = 0; at < args.length; at += 1) {
    const name = args[at] ?? "";
    if (name === "--trace") {
      trace = true;
      continue;
    }
    const range = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
    if (range === undefined) return fail("sim.usage", `unknown option ${JSON.stringify(name)}`, SIM_USAGE);
    const text = args[(at += 1)] ?? "";
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= range[0] && value <= range[1])) return fail("sim.usage", `${name} takes a whole number from ${range[0]} to ${range[1]}`, SIM_USAGE);
    given.set(name, value);
  }
  // A seed alone is one to look at; without any, a handful.
  const seeds = given.get("--seeds") ?? (given.has("--seed") ? 1 : 20);
  const workers = Math.min(given.get("--workers") ?? availableParallelism(), seeds);
  return ok({ seeds, seed: given.get("--seed") ?? 1, minutes: given.get("--minutes") ?? MINUTES_DEFAULT, workers, trace });
}
