import type { Agent } from "../../../agent/core/agent.ts";
import type { SimulatedDevice } from "../device/simulated-device.ts";
import type { Invariant } from "./invariant.ts";

/** Longest time until a line has the level that a rule wants. */
const FOLLOWS_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 15_000;

/** A line that only rules drive has the level that its rule says is in force, also after restarts and boots. */
export const lampsFollowRules: Invariant = {
  name: "lamps-follow-rules",
  watch({ sim, devices }, breach) {
    for (const device of devices) {
      let wrong: { readonly agent: Agent; readonly what: string; readonly sinceMs: number } | undefined;
      const look = (): void => {
        sim.time.after("sim.lamps", LOOK_EVERY_MS, look);
        const nowMs = sim.time.monotonicMs();
        const { agent } = device;
        const what = agent === undefined ? undefined : wrongLamp(device, agent);
        if (agent === undefined || what === undefined) wrong = undefined;
        else if (wrong?.agent !== agent || wrong.what !== what) wrong = { agent, what, sinceMs: nowMs };
        else if (nowMs - wrong.sinceMs > FOLLOWS_WITHIN_MS) breach(`${device.id}: ${what}, for over ${FOLLOWS_WITHIN_MS / 1_000} s`);
      };
      look();
    }
  },
};

function wrongLamp({ world }: SimulatedDevice, { parts }: Agent): string | undefined {
  const states = parts.reported.document().rules ?? {};
  for (const rule of parts.desired.document()?.rules?.table ?? []) {
    const side = states[rule.id]?.inForce;
    for (const effect of side === undefined ? [] : (rule[side] ?? [])) {
      if (effect.kind !== "line" || effect.pulseMs !== undefined) continue;
      const { direction, level } = world.state.gpio.lines[effect.line] ?? {};
      if (direction !== "output" || level !== effect.level) return `the rule ${rule.id} has ${side} in force, and ${effect.line} is an ${direction ?? "unknown line"} at ${level ?? "no level"}`;
    }
  }
  return undefined;
}
