import type { Clock, Timers } from "../ports/clock.ts";
import { seen, unknown, type Effect, type Reading } from "../ports/reading.ts";
import type { PanelControl } from "../displays/cec/cec-display.ts";
import { tvLatencyMs } from "./simulated-cec.ts";
import type { SimulatedWorld } from "./world.ts";

const ANSWER_TIMEOUT_MS = 1_000;
const UNPLUGGED = { code: "display.unplugged", message: "no display on the cable", hint: "check the HDMI cable" } as const;

/**
 * A picture setting the simulated TV takes over its own wire (as DDC/CI or a maker's protocol would carry
 * it), in the same moods as its CEC side.
 */
export function panelControl<K extends "brightness" | "orientation">(
  world: SimulatedWorld,
  clock: Clock,
  timers: Timers,
  key: K,
): PanelControl<SimulatedWorld["state"]["display"][K]> {
  type Value = SimulatedWorld["state"]["display"][K];

  /** True when the panel answered in time. */
  const reached = async (): Promise<boolean> => {
    const answers = world.state.display.mood !== "deaf" && tvLatencyMs(world) <= ANSWER_TIMEOUT_MS;
    const delayMs = answers ? tvLatencyMs(world) : ANSWER_TIMEOUT_MS;
    await new Promise<void>((resolve) => timers.after("simulated.panel", delayMs, resolve));
    return answers && world.state.display.mood !== "unplugged";
  };

  const read = async (): Promise<Reading<Value>> => {
    if (world.state.display.mood === "unplugged") return { kind: "failed", error: UNPLUGGED };
    if (!(await reached())) return unknown("the panel did not answer in time");
    return seen(world.state.display[key], clock.monotonicMs());
  };

  const set = async (value: Value): Promise<Effect<Value>> => {
    if (world.state.display.mood === "unplugged")
      return { attempted: false, observed: { kind: "failed", error: UNPLUGGED }, error: UNPLUGGED };
    if (!(await reached())) {
      const error = { code: "display.no-answer", message: "the panel did not answer in time" };
      return { attempted: true, acknowledged: false, observed: unknown(error.message), error };
    }
    if (world.state.display.mood !== "lying") world.updateDisplay({ [key]: value });
    const observed = await read();
    const effect: Effect<Value> = { attempted: true, acknowledged: true, observed };
    if (observed.kind !== "ok" || observed.value === value) return effect;
    return { ...effect, error: { code: "display.not-obeyed", message: "the panel acknowledged the setting and kept the old one" } };
  };

  return { read, set };
}
