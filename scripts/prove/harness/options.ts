import { parseArgs } from "node:util";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";

/** Whole numbers by option name, with what each is where nobody says, and the seed. Ends the process on a typing error. */
export function campaignOptions<K extends string>(usage: string, defaults: Readonly<Record<K, number>>): { readonly numbers: Readonly<Record<K, number>>; readonly seed: string } {
  const names = Object.keys(defaults) as K[];
  try {
    const options = Object.fromEntries([...names, "seed"].map((name) => [name, { type: "string" as const }]));
    const { values } = parseArgs({ options });
    const numbers = Object.fromEntries(names.map((name) => [name, wholeNumber(name, values[name], defaults[name])])) as Record<K, number>;
    return { numbers, seed: values["seed"] ?? toHex(systemRandom.bytes(4)) };
  } catch (thrown) {
    console.error(`${thrown instanceof Error ? thrown.message : String(thrown)}\n\n${usage}`);
    process.exit(2);
  }
}

function wholeNumber(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} must be a whole number, not "${text ?? ""}"`);
  return value;
}

export function seeded(seed: string): SeededRandom {
  return new SeededRandom(seed);
}

/** Middle and edges of what was measured, for people. */
export function quantiles(values: readonly number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
