import type { Clock, Timers } from "../ports/clock.ts";
import type { DisplayDriver, Orders, Told } from "../ports/display-driver.ts";
import { failed, seen, unknown, type Reading } from "../ports/reading.ts";
import { tvLatencyMs } from "./simulated-cec.ts";
import type { SimulatedWorld } from "./world.ts";

const ANSWER_TIMEOUT_MS = 1_000;
const UNPLUGGED = { code: "display.unplugged", message: "no display on the cable", hint: "check the HDMI cable" } as const;
/** Properties that the simulated TV accepts over its own wire. */
const OWN_WIRE = ["brightness", "orientation"] as const;

/** Picture settings of the simulated TV over its own wire (like DDC/CI or a vendor protocol), with the moods of its CEC side. */
export function panelDriver(world: SimulatedWorld, clock: Clock, timers: Timers): DisplayDriver {
  const isUnplugged = (): boolean => world.state.display.mood === "unplugged";

  /** Whether the panel answered in time. */
  const reached = async (): Promise<boolean> => {
    const answers = world.state.display.mood !== "deaf" && tvLatencyMs(world) <= ANSWER_TIMEOUT_MS;
    const delayMs = answers ? tvLatencyMs(world) : ANSWER_TIMEOUT_MS;
    await new Promise<void>((resolve) => timers.after("simulated.panel", delayMs, resolve));
    return answers && !isUnplugged();
  };

  const ask = async (name: (typeof OWN_WIRE)[number]): Promise<Reading<never>> => {
    if (isUnplugged()) return failed(UNPLUGGED);
    if (!(await reached())) return unknown("the panel did not answer in time");
    return seen(world.state.display[name] as never, clock.monotonicMs());
  };

  const say = async (change: Parameters<SimulatedWorld["updateDisplay"]>[0]): Promise<Told> => {
    if (isUnplugged()) return { attempted: false, error: UNPLUGGED };
    if (!(await reached())) return { attempted: true, acknowledged: false, error: { code: "display.no-answer", message: "the panel did not answer in time" } };
    if (world.state.display.mood === "refusing") return { attempted: true, acknowledged: false, error: { code: "display.refused", message: "the panel refused the setting" } };
    if (world.state.display.mood !== "lying") world.updateDisplay(change);
    return { attempted: true, acknowledged: true };
  };

  const orders: Orders = Object.fromEntries(OWN_WIRE.map((name) => [name, { kind: "set", worstCaseMs: ANSWER_TIMEOUT_MS, say: (value: never) => say({ [name]: value }) }]));
  return {
    powerObservedBy: "nothing",
    questions: OWN_WIRE.map((name) => ({ answers: [name], worstCaseMs: ANSWER_TIMEOUT_MS, ask: async () => ({ [name]: await ask(name) }) })),
    orders,
  };
}
