import { expect, test } from "vitest";
import { countEffects, holdsAlready, type EffectState, type Witnessed } from "./effects.ts";

const state = (over: Partial<EffectState> = {}): EffectState => ({ boots: 1, gpio: {}, display: { brightness: 10 }, audio: {}, ...over });
const levels = (...line: (0 | 1)[]): EffectState[] => line.map((GPIO4) => state({ gpio: { GPIO4 } }));

test("pulses are counted by their rise, or by their fall if the line was left high", () => {
  const pulse: Witnessed = { kind: "pulse", line: "GPIO4" };
  expect(countEffects(pulse, [state(), ...levels(1, 0)])).toBe(1);
  expect(countEffects(pulse, levels(0, 1, 0, 1, 0))).toBe(2);
  expect(countEffects(pulse, levels(1, 0))).toBe(1);
  expect(countEffects(pulse, levels(0))).toBe(0);
  expect(countEffects(pulse, levels(1, 0, 1, 0))).toBe(2);
  // Left high, released by a boot, pulsed once.
  const boot = (gpio: EffectState["gpio"]): EffectState => state({ boots: 2, gpio });
  expect(countEffects(pulse, [...levels(1), boot({}), boot({ GPIO4: 1 }), boot({ GPIO4: 0 })])).toBe(1);
  expect(countEffects(pulse, [...levels(1), boot({}), boot({ GPIO4: 1 }), boot({ GPIO4: 0 }), boot({ GPIO4: 1 })])).toBe(2);
});

test("levels, values and boots are counted by their changes", () => {
  expect(countEffects({ kind: "level", line: "GPIO4", level: 1 }, levels(0, 1, 0, 1))).toBe(2);
  const again = state({ boots: 2, gpio: { GPIO4: 1 } });
  // A boot releases the line; driven once more, it was driven twice.
  expect(countEffects({ kind: "level", line: "GPIO4", level: 1 }, [...levels(0, 1), state({ boots: 2 }), again])).toBe(2);
  expect(countEffects({ kind: "level", line: "GPIO4", level: 1 }, [...levels(0, 1), state({ boots: 2 })])).toBe(1);
  expect(countEffects({ kind: "boot" }, [state(), state({ boots: 2 }), state({ boots: 3 })])).toBe(2);
  const value: Witnessed = { kind: "value", part: "display", key: "brightness", value: 40 };
  expect(countEffects(value, [state(), state({ display: { brightness: 40 } })])).toBe(1);
  expect(holdsAlready(value, state({ display: { brightness: 40 } }))).toBe(true);
  expect(holdsAlready(value, state())).toBe(false);
});
