import { CecDriver } from "../displays/cec/cec-driver.ts";
import { composedDriver } from "../displays/composed-driver.ts";
import type { DriverTable, OpenedDriver } from "../displays/drivers.ts";
import type { Cec } from "../ports/cec.ts";
import type { Clock, Timers } from "../ports/clock.ts";
import type { DisplayDriver, Orders, Told } from "../ports/display-driver.ts";
import { DISPLAY_PROPERTY_NAMES, propertyRow, type DisplayProperty } from "../ports/display-properties.ts";
import { seen } from "../ports/reading.ts";
import { ok } from "../ports/result.ts";
import { panelDriver } from "./simulated-panel.ts";
import { OWN_INPUT, TV_INPUTS } from "./simulated-tv.ts";
import type { SimulatedWorld } from "./world.ts";
import { TV_OUTPUT } from "./world-state.ts";

/** The simulated TV: CEC, and its own wire for settings that CEC has no message for. */
export function tvDriver(world: SimulatedWorld, { cec, clock, timers }: { readonly cec: Cec; readonly clock: Clock; readonly timers: Timers }): OpenedDriver & { readonly driver: DisplayDriver } {
  const { manufacturer, product } = world.state.outputs[TV_OUTPUT]?.edid ?? { manufacturer: "", product: 0 };
  const tv = new CecDriver({ cec, clock, inputs: TV_INPUTS, ownInput: OWN_INPUT, edid: () => Promise.resolve(`${manufacturer}-${product}`) });
  return { driver: composedDriver(tv, panelDriver(world, clock, timers)), close: () => Promise.resolve(tv.close()) };
}

/** Drivers on a simulated machine. `cec`: its TV. `simulated`: another display, which obeys and is reset with the agent. */
export function simulatedDrivers(world: SimulatedWorld): DriverTable {
  return {
    cec: () => Promise.resolve((_attachment, { cec, clock, timers }) => {
      if (cec === undefined) throw new Error("the simulated machine has HDMI-CEC");
      return Promise.resolve(ok(tvDriver(world, { cec, clock, timers })));
    }),
    simulated: () => Promise.resolve((_attachment, { clock }) => Promise.resolve(ok({ driver: obedientDriver(clock) }))),
  };
}

const INPUTS = ["hdmi-1", "hdmi-2"] as const;

function obedientDriver(clock: Clock): DisplayDriver {
  const state = new Map<DisplayProperty, unknown>(DISPLAY_PROPERTY_NAMES.map((name) => [name, firstValueOf(name)]));
  const say = (name: DisplayProperty, value: unknown): Promise<Told> => {
    state.set(name, value);
    return Promise.resolve({ attempted: true, acknowledged: true });
  };
  const orders = DISPLAY_PROPERTY_NAMES.map((name) => [
    name,
    { kind: "set", worstCaseMs: 0, say: (value: unknown) => say(name, value), ...(propertyRow(name).type.kind === "name" && { choices: INPUTS }) },
  ]);
  const readings = (): object => Object.fromEntries([...state].map(([name, value]) => [name, seen(value, clock.monotonicMs())]));
  return {
    powerObservedBy: "panel",
    questions: [{ answers: DISPLAY_PROPERTY_NAMES, worstCaseMs: 0, ask: () => Promise.resolve(readings()) }],
    orders: Object.fromEntries(orders) as Orders,
  };
}

function firstValueOf(name: DisplayProperty): unknown {
  const { type } = propertyRow(name);
  switch (type.kind) {
    case "choice":
    case "degrees":
      return type.values[0];
    case "name":
      return INPUTS[0];
    case "mode":
      return "1920x1080@60";
    case "percent":
      return 50;
    case "flag":
      return false;
  }
}
