import type { Clock, Timers } from "../ports/clock.ts";
import type { DisplayDriver, Orders, Told } from "../ports/display-driver.ts";
import type { DisplayProperty } from "../ports/display-properties.ts";
import { refusalOf } from "../ports/display.ts";
import type { OutputMode } from "../ports/outputs.ts";
import { failed, seen, unknown, type Reading } from "../ports/reading.ts";
import { chooseMode, modeText, parseMode } from "../ports/video-mode.ts";
import { tvLatencyMs } from "./simulated-cec.ts";
import { TV_MODES } from "./tv-modes.ts";
import type { SimulatedWorld } from "./world.ts";
import { TV_OUTPUT } from "./world-state.ts";

const ANSWER_TIMEOUT_MS = 1_000;
const UNPLUGGED = { code: "display.unplugged", message: "no display on the cable", hint: "check the HDMI cable" } as const;
/** Properties that the simulated TV accepts over its own wire. The mode is that of the output, whose cable it is. */
const OWN_WIRE = ["brightness", "orientation", "mode"] as const;
type OwnProperty = (typeof OWN_WIRE)[number];

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

  const ask = async (name: OwnProperty): Promise<Reading<never>> => {
    if (isUnplugged()) return failed(UNPLUGGED);
    if (!(await reached())) return unknown("the panel did not answer in time");
    return seen(panelValue(world, name) as never, clock.monotonicMs());
  };

  const say = async (name: OwnProperty, value: never): Promise<Told> => {
    if (isUnplugged()) return { attempted: false, error: UNPLUGGED };
    const refusal = name === "mode" ? refusalOf(name, value, MODES) : undefined;
    if (refusal !== undefined) return { attempted: false, error: refusal };
    if (!(await reached())) return { attempted: true, acknowledged: false, error: { code: "display.no-answer", message: "the panel did not answer in time" } };
    if (world.state.display.mood === "refusing") return { attempted: true, acknowledged: false, error: { code: "display.refused", message: "the panel refused the setting" } };
    if (world.state.display.mood !== "lying") change(name, value);
    return { attempted: true, acknowledged: true };
  };

  const change = (name: OwnProperty, value: never): void => {
    const { outputs } = world.state;
    const output = outputs[TV_OUTPUT];
    if (name !== "mode") world.updateDisplay({ [name]: value });
    else if (output !== undefined) world.update({ outputs: { ...outputs, [TV_OUTPUT]: { ...output, mode: modeOf(value, output.mode) ?? output.mode } } });
  };

  const orders: Orders = Object.fromEntries(OWN_WIRE.map((name) => [name, { kind: "set", worstCaseMs: ANSWER_TIMEOUT_MS, say: (value: never) => say(name, value) }]));
  return {
    powerObservedBy: "nothing",
    questions: OWN_WIRE.map((name) => ({ answers: [name], worstCaseMs: ANSWER_TIMEOUT_MS, ask: async () => ({ [name]: await ask(name) }) })),
    orders,
    choices: () => (isUnplugged() ? {} : { mode: MODES }),
  };
}

const MODES = TV_MODES.map(modeText);

/** What the simulated TV, or the output that feeds it, has for a property. */
export function panelValue({ state }: Pick<SimulatedWorld, "state">, name: DisplayProperty): unknown {
  const mode = state.outputs[TV_OUTPUT]?.mode;
  return name === "mode" ? mode && modeText(mode) : state.display[name];
}

function modeOf(text: string, present: OutputMode): OutputMode | undefined {
  const wanted = parseMode(text);
  return wanted && chooseMode(wanted, TV_MODES, present);
}
