import { parseArgs } from "node:util";
import { fail, messageOf, ok, type Result } from "../../tool-result.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";

/** A whole number: default, minimum and maximum. */
export type NumberOption = readonly [fallback: number, min: number, max?: number];

export interface CampaignOptions<K extends string> {
  readonly numbers: Readonly<Record<K, number>>;
  readonly seed: string;
}

/** Numbers by option name, and the seed. Exits the process for `--help` (0) and wrong options (2). */
export function campaignOptions<K extends string>(usage: string, options: Readonly<Record<K, NumberOption>>): CampaignOptions<K> {
  const read = readCampaignOptions(process.argv.slice(2), options);
  if (!read.ok) {
    console.error(`${read.error.message}\n\nusage: npm run ${usage.replace(" ", " -- ")}`);
    process.exit(2);
  }
  if (read.value !== "help") return read.value;
  console.log(`usage: npm run ${usage.replace(" ", " -- ")}\n\n${describe(options)}\nThe options and what each campaign shows are in docs/proofs.md.`);
  process.exit(0);
}

/** Parses a command line. Error: `prove.usage`. */
export function readCampaignOptions<K extends string>(args: readonly string[], options: Readonly<Record<K, NumberOption>>): Result<CampaignOptions<K> | "help"> {
  const names = Object.keys(options) as K[];
  const known = { ...Object.fromEntries([...names, "seed"].map((name) => [name, { type: "string" as const }])), help: { type: "boolean" as const, short: "h" } };
  let values: Readonly<Record<string, string | boolean | undefined>>;
  try {
    values = parseArgs({ args: [...args], options: known }).values;
  } catch (thrown) {
    // parseArgs throws for unknown options and missing values, and its message names them.
    return fail("prove.usage", messageOf(thrown));
  }
  if (values["help"] === true) return ok("help");
  const numbers: Record<string, number> = {};
  for (const name of names) {
    const [fallback, min, max = Number.MAX_SAFE_INTEGER] = options[name];
    const text = values[name] as string | undefined;
    const value = text === undefined ? fallback : /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) return fail("prove.usage", `--${name} takes a whole number ${range(options[name])}, not "${text ?? ""}"`);
    numbers[name] = value;
  }
  return ok({ numbers: numbers as Record<K, number>, seed: (values["seed"] as string | undefined) ?? toHex(systemRandom.bytes(4)) });
}

function range([, min, max]: NumberOption): string {
  return max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
}

function describe(options: Readonly<Record<string, NumberOption>>): string {
  const lines = Object.entries(options).map(([name, option]) => `  --${name}: a whole number ${range(option)}; ${option[0]} when not given`);
  return [...lines, "  --seed: any text; a new one is made and printed when not given", ""].join("\n");
}

export function seeded(seed: string): SeededRandom {
  return new SeededRandom(seed);
}

/** Median, 99th percentile and maximum. */
export function quantiles(values: readonly number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
