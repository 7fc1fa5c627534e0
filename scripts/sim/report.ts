import type { SimulationResult } from "./simulation.ts";

/** A failing seed, for people: what broke, what came before it, and how to see it again. */
export function describeFailure(result: SimulationResult, minutes: number, linesMax = 40): string {
  const { breach, seed, hash, last } = result;
  if (breach === undefined) return `seed ${seed} held`;
  return [
    `seed ${seed} broke ${breach.invariant} at ${breach.atMs} ms: ${breach.message}`,
    `  last events (time in ms, who, what):`,
    ...last.slice(-linesMax).map((line) => `    ${line.slice(0, 240)}`),
    `  trace ${hash}`,
    `  replay: npm run sim -- --seed ${seed} --minutes ${minutes} --trace`,
  ].join("\n");
}

/** One line for a seed that held. */
export function describeSeed({ seed, hash, deviceHours, figures }: SimulationResult): string {
  const { devices, starts, accepted, stored, gaps, commands, healedMinutes } = figures;
  return `seed ${seed}: ${devices} devices, ${deviceHours.toFixed(1)} device-hours, ${starts} starts, ${accepted} accepted, ${stored} stored, ${gaps} gap records, ${commands} commands, healed in ${healedMinutes} min, trace ${hash.slice(0, 16)}`;
}

const PER_HOUR = { frames: "frames", accepted: "records", commands: "commands", effects: "effects told apart", faults: "faults", starts: "starts of an agent", connects: "connection attempts" };

/** What an hour of one device was, on average: a rate of device-hours means nothing without. */
export function describeHour(results: readonly Pick<SimulationResult, "deviceHours" | "figures">[]): string {
  const hours = results.reduce((sum, { deviceHours }) => sum + deviceHours, 0);
  const each = Object.entries(PER_HOUR).map(([name, words]) => `${Math.round(results.reduce((sum, { figures }) => sum + (figures[name] ?? 0), 0) / hours)} ${words}`);
  return `a device-hour had ${each.join(", ")}`;
}
