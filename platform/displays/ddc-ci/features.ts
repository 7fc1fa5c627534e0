import type { DisplayPower } from "../../ports/display-properties.ts";

/** Features of VESA's Monitor Control Command Set 2.2 (VCP codes). */
export const FEATURE = { brightness: 0x10, input: 0x60, volume: 0x62, mute: 0x8d, power: 0xd6 } as const;

export const MUTE = { on: 1, off: 2 } as const;

/** What the power modes mean. 4 and 5 switch off; after 5 nothing but the display's own button is sure to help, so it is never sent. */
export const POWER: Readonly<Record<number, DisplayPower>> = { 1: "on", 2: "standby", 3: "standby", 4: "standby", 5: "standby" };
export const POWER_ON = 1;
/** Ways into standby, the one most likely to leave the display listening first. */
export const STANDBY_MODES = [2, 3, 4] as const;

const INPUTS = new Map<number, string>([
  [0x01, "vga-1"], [0x02, "vga-2"], [0x03, "dvi-1"], [0x04, "dvi-2"], [0x05, "composite-1"], [0x06, "composite-2"], [0x07, "s-video-1"], [0x08, "s-video-2"],
  [0x09, "tuner-1"], [0x0a, "tuner-2"], [0x0b, "tuner-3"], [0x0c, "component-1"], [0x0d, "component-2"], [0x0e, "component-3"],
  [0x0f, "displayport-1"], [0x10, "displayport-2"], [0x11, "hdmi-1"], [0x12, "hdmi-2"],
]);
/** Inputs to offer where the display lists none. */
export const USUAL_INPUTS: readonly number[] = [0x11, 0x12, 0x0f, 0x10, 0x03, 0x04, 0x01];

/** Name of an input; makers' own numbers, such as for USB-C, are `input-1b`. */
export function inputName(value: number): string {
  return INPUTS.get(value) ?? `input-${value.toString(16).padStart(2, "0")}`;
}
