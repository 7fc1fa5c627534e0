import type { Clock } from "../ports/clock.ts";
import type { Output, Outputs } from "../ports/outputs.ts";
import { seen, unknown } from "../ports/reading.ts";
import type { SimulatedWorld } from "./world.ts";

/** The simulated machine's connectors, as a kernel would describe them. */
export function simulatedOutputs(world: SimulatedWorld, clock: Clock): Outputs {
  return {
    list: () => {
      const atMs = clock.monotonicMs();
      const empty = unknown("nothing is plugged in");
      const outputs = Object.entries(world.state.outputs).map(([name, { connected, mode, dpms, edid }]): Output => ({
        name,
        connected: seen(connected, atMs),
        enabled: seen(connected, atMs),
        mode: connected ? seen(mode, atMs) : empty,
        dpms: seen(connected ? dpms : "off", atMs),
        edid: connected ? seen(edid, atMs) : empty,
      }));
      return Promise.resolve(outputs);
    },
    onChange: (changed) => world.onChange((sections) => sections.includes("outputs") && changed()),
  };
}
