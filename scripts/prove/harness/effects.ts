import { readFileSync } from "node:fs";

/** Externally visible state of the simulated machine, as noted by the witness at each change. */
export interface EffectState {
  readonly boots: number;
  readonly gpio: Readonly<Record<string, 0 | 1>>;
  readonly display: Readonly<Record<string, unknown>>;
  readonly audio: Readonly<Record<string, unknown>>;
}

/** Every noted state, with the position after it. Skips a line cut off by a kill. */
export function readEffects(file: string): readonly { readonly state: EffectState; readonly endBytes: number }[] {
  const states: { state: EffectState; endBytes: number }[] = [];
  let at = 0;
  const bytes = readFileSync(file);
  for (let next = bytes.indexOf(10, at); next >= 0; next = bytes.indexOf(10, at)) {
    const line = bytes.subarray(at, next).toString("utf8");
    at = next + 1;
    try {
      states.push({ state: JSON.parse(line) as EffectState, endBytes: at });
    } catch (thrown) {
      // The line was cut off by a kill.
      if (!(thrown instanceof SyntaxError)) throw thrown;
    }
  }
  return states;
}

/** The part of the machine that only this command changes. */
export type Witnessed =
  | { readonly kind: "pulse"; readonly line: string }
  | { readonly kind: "level"; readonly line: string; readonly level: 0 | 1 }
  | { readonly kind: "value"; readonly part: "display" | "audio"; readonly key: string; readonly value: unknown }
  | { readonly kind: "boot" }
  /** A request or message to the player host, counted there. */
  | { readonly kind: "asked"; readonly what: string }
  /** No externally countable effect. */
  | { readonly kind: "none" };

/** How often `witnessed` happened, from the first state (before the command) to the last. */
export function countEffects(witnessed: Witnessed, states: readonly EffectState[]): number {
  const steps = states.slice(1).map((state, index) => ({ before: states[index] ?? state, after: state }));
  switch (witnessed.kind) {
    case "none":
    case "asked":
      return 0;
    case "boot":
      return (states.at(-1)?.boots ?? 0) - (states[0]?.boots ?? 0);
    case "pulse":
      return countPulses(witnessed.line, states);
    case "level": {
      const { line, level } = witnessed;
      return steps.filter(({ before, after }) => before.gpio[line] !== level && after.gpio[line] === level).length;
    }
    case "value": {
      const { part, key, value } = witnessed;
      return steps.filter(({ before, after }) => before[part][key] !== value && after[part][key] === value).length;
    }
  }
}

/**
 * Counts rises of the line. If an interrupted pulse left it high, the next pulse shows only as a fall. A fall caused by a
 * boot does not count.
 */
function countPulses(line: string, states: readonly EffectState[]): number {
  let pulses = 0;
  let leftHigh = states[0]?.gpio[line] === 1;
  for (const [index, after] of states.slice(1).entries()) {
    const before = states[index] ?? after;
    const booted = before.boots !== after.boots;
    const wasHigh = before.gpio[line] === 1;
    const isHigh = after.gpio[line] === 1;
    if (isHigh && (!wasHigh || booted)) pulses += 1;
    if (!isHigh && leftHigh && !booted) pulses += 1;
    if (!isHigh || booted) leftHigh = false;
  }
  return pulses;
}

/** Whether the command's goal already holds before it starts, so that it has no visible effect. */
export function holdsAlready(witnessed: Witnessed, before: EffectState | undefined): boolean {
  if (before === undefined) return false;
  if (witnessed.kind === "level") return before.gpio[witnessed.line] === witnessed.level;
  return witnessed.kind === "value" && before[witnessed.part][witnessed.key] === witnessed.value;
}
