import type { Display, DisplayPower, Orientation } from "../../../../platform/ports/display.ts";
import type { Issue } from "../../../../platform/ports/result.ts";
import type { CommandExecutor } from "../executor.ts";
import { askAfterCrash, isNear, prove, type ExecutorTime, type Proof } from "./effect-proof.ts";

/** Given to a set that shows no sign of obeying yet, on top of what its driver waited. */
const POWER_SETTLE_MS = 8_000;
const SETTING_SETTLE_MS = 3_000;
/** All of it; ten seconds before the commands' time-out. */
const WITHIN_MS = 50_000;

/** `turning-on` is waited for: some sets need half a minute. Codes: see `prove`. */
export function displayPowerExecutor(display: Display, time: ExecutorTime): CommandExecutor<"display.power"> {
  const proof = (on: boolean): Proof<DisplayPower, { power: string }> => {
    const wanted: DisplayPower = on ? "on" : "standby";
    return {
      part: "display",
      wanted: `the display to be ${wanted}`,
      holds: (power) => power === wanted,
      onItsWay: (power) => power === (on ? "turning-on" : "turning-off"),
      observe: async () => (await display.status()).power,
      settleMs: POWER_SETTLE_MS,
      withinMs: WITHIN_MS,
      result: (power) => ({ power: power ?? "unobserved" }),
    };
  };
  return {
    run: ({ on }, context) => prove(() => display.setPower(on), proof(on), context, time),
    resolve: ({ on }, _note, context) => askAfterCrash(proof(on), context, time),
  };
}

/** Codes besides those of `prove`: `display.no-such-input` (rejected). */
export function displayInputExecutor(display: Display, time: ExecutorTime): CommandExecutor<"display.input"> {
  const proof = (input: string): Proof<string, { input: string }> => ({
    part: "display",
    wanted: `input ${input}`,
    holds: (observed) => observed === input,
    observe: async () => (await display.status()).input,
    settleMs: SETTING_SETTLE_MS,
    withinMs: WITHIN_MS,
    result: (observed) => ({ input: observed ?? input }),
  });
  return {
    async run({ input }, context) {
      const { inputs } = display.capabilities;
      if (!inputs.includes(input))
        return { state: "rejected", error: outOfRange("display.no-such-input", `no input ${input}`, inputs) };
      return prove(() => display.setInput(input), proof(input), context, time);
    },
    resolve: ({ input }, _note, context) => askAfterCrash(proof(input), context, time),
  };
}

export function displayBrightnessExecutor(display: Display, time: ExecutorTime): CommandExecutor<"display.brightness"> {
  const proof = (percent: number): Proof<number, { percent: number }> => ({
    part: "display",
    wanted: `a brightness of ${percent} percent`,
    holds: (observed) => isNear(percent, observed),
    holdsExactly: (observed) => observed === percent,
    observe: async () => (await display.status()).brightness,
    settleMs: SETTING_SETTLE_MS,
    withinMs: WITHIN_MS,
    result: (observed) => ({ percent: observed ?? percent }),
  });
  return {
    run: ({ percent }, context) => prove(() => display.setBrightness(percent), proof(percent), context, time),
    resolve: ({ percent }, _note, context) => askAfterCrash(proof(percent), context, time),
  };
}

/** Codes besides those of `prove`: `display.out-of-range` (rejected) for an angle this display cannot turn to. */
export function displayOrientationExecutor(display: Display, time: ExecutorTime): CommandExecutor<"display.orientation"> {
  const proof = (degrees: Orientation): Proof<Orientation, { degrees: number }> => ({
    part: "display",
    wanted: `an orientation of ${degrees} degrees`,
    holds: (observed) => observed === degrees,
    observe: async () => (await display.status()).orientation,
    settleMs: SETTING_SETTLE_MS,
    withinMs: WITHIN_MS,
    result: (observed) => ({ degrees: observed ?? degrees }),
  });
  return {
    async run({ degrees }, context) {
      const { orientations } = display.capabilities;
      if (!orientations.includes(degrees))
        return {
          state: "rejected",
          error: outOfRange("display.out-of-range", `no orientation of ${degrees} degrees`, orientations),
        };
      return prove(() => display.setOrientation(degrees), proof(degrees), context, time);
    },
    resolve: ({ degrees }, _note, context) => askAfterCrash(proof(degrees), context, time),
  };
}

function outOfRange(code: string, what: string, choices: readonly (string | number)[]): Issue {
  return { code, message: `this display has ${what}`, hint: `It has ${choices.join(", ")}.` };
}
