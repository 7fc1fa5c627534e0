import type { Display, DisplayPower, Orientation } from "../../../../platform/ports/display.ts";
import type { Issue } from "../../../../platform/ports/result.ts";
import type { CommandExecutor } from "../executor.ts";
import { isNear, prove, type ExecutorTime } from "./effect-proof.ts";

/** Given to a set that shows no sign of obeying yet, on top of what its driver waited. */
const POWER_SETTLE_MS = 8_000;
const SETTING_SETTLE_MS = 3_000;
/** All of it; ten seconds before the commands' time-out. */
const WITHIN_MS = 50_000;

/** `turning-on` is waited for: some sets need half a minute. Codes: see `prove`. */
export function displayPowerExecutor(display: Display, time: ExecutorTime): CommandExecutor<"display.power"> {
  const wantedState = (on: boolean): DisplayPower => (on ? "on" : "standby");
  return {
    run({ on }, context) {
      const wanted = wantedState(on);
      return prove(
        () => display.setPower(on),
        {
          part: "display",
          wanted: `the display to be ${wanted}`,
          holds: (power) => power === wanted,
          onItsWay: (power) => power === (on ? "turning-on" : "turning-off"),
          observe: async () => (await display.status()).power,
          settleMs: POWER_SETTLE_MS,
          withinMs: WITHIN_MS,
          result: (power) => ({ power: power ?? "unobserved" }),
        },
        context,
        time,
      );
    },
    async resolve({ on }) {
      const { power } = await display.status();
      if (power.kind !== "ok" || power.value !== wantedState(on)) return undefined;
      return { state: "succeeded", result: { power: power.value }, effect: { attempted: true, observed: power } };
    },
  };
}

/** Codes besides those of `prove`: `display.no-such-input` (rejected). */
export function displayInputExecutor(display: Display, time: ExecutorTime): CommandExecutor<"display.input"> {
  return {
    async run({ input }, context) {
      const { inputs } = display.capabilities;
      if (!inputs.includes(input))
        return { state: "rejected", error: outOfRange("display.no-such-input", `no input ${input}`, inputs) };
      return prove(
        () => display.setInput(input),
        {
          part: "display",
          wanted: `input ${input}`,
          holds: (observed) => observed === input,
          observe: async () => (await display.status()).input,
          settleMs: SETTING_SETTLE_MS,
          withinMs: WITHIN_MS,
          result: (observed) => ({ input: observed ?? input }),
        },
        context,
        time,
      );
    },
    async resolve({ input }) {
      const status = await display.status();
      if (status.input.kind !== "ok" || status.input.value !== input) return undefined;
      return { state: "succeeded", result: { input }, effect: { attempted: true, observed: status.input } };
    },
  };
}

export function displayBrightnessExecutor(display: Display, time: ExecutorTime): CommandExecutor<"display.brightness"> {
  return {
    run({ percent }, context) {
      return prove(
        () => display.setBrightness(percent),
        {
          part: "display",
          wanted: `a brightness of ${percent} percent`,
          holds: (observed) => isNear(percent, observed),
          observe: async () => (await display.status()).brightness,
          settleMs: SETTING_SETTLE_MS,
          withinMs: WITHIN_MS,
          result: (observed) => ({ percent: observed ?? percent }),
        },
        context,
        time,
      );
    },
    async resolve({ percent }) {
      const { brightness } = await display.status();
      if (brightness.kind !== "ok" || !isNear(percent, brightness.value)) return undefined;
      return { state: "succeeded", result: { percent: brightness.value }, effect: { attempted: true, observed: brightness } };
    },
  };
}

/** Codes besides those of `prove`: `display.out-of-range` (rejected) for an angle this display cannot turn to. */
export function displayOrientationExecutor(display: Display, time: ExecutorTime): CommandExecutor<"display.orientation"> {
  return {
    async run({ degrees }, context) {
      const { orientations } = display.capabilities;
      const wanted: Orientation = degrees;
      if (!orientations.includes(wanted))
        return {
          state: "rejected",
          error: outOfRange("display.out-of-range", `no orientation of ${degrees} degrees`, orientations),
        };
      return prove(
        () => display.setOrientation(wanted),
        {
          part: "display",
          wanted: `an orientation of ${degrees} degrees`,
          holds: (observed) => observed === wanted,
          observe: async () => (await display.status()).orientation,
          settleMs: SETTING_SETTLE_MS,
          withinMs: WITHIN_MS,
          result: (observed) => ({ degrees: observed ?? degrees }),
        },
        context,
        time,
      );
    },
    async resolve({ degrees }) {
      const { orientation } = await display.status();
      if (orientation.kind !== "ok" || orientation.value !== degrees) return undefined;
      return { state: "succeeded", result: { degrees }, effect: { attempted: true, observed: orientation } };
    },
  };
}

function outOfRange(code: string, what: string, choices: readonly (string | number)[]): Issue {
  return { code, message: `this display has ${what}`, hint: `It has ${choices.join(", ")}.` };
}
