import type { Clock } from "../../../../platform/ports/clock.ts";
import type { Gpio, GpioLineRef } from "../../../../platform/ports/gpio.ts";
import type { Issue } from "../../../../platform/ports/result.ts";
import { seen } from "../../../../platform/ports/reading.ts";
import type { CommandExecutor, Execution, Unknown } from "../executor.ts";

/** Errors of the sender, answered with `rejected`. Errors of the kernel are answered with `failed`. */
const SENDERS_MISTAKE: ReadonlySet<string> = new Set(["gpio.no-such-line", "gpio.not-an-output", "gpio.reserved"]);

/** Codes: those of `Gpio`, `gpio.effect-not-observed`. */
export function gpioWriteExecutor(gpio: Gpio, clock: Clock): CommandExecutor<"gpio.write"> {
  return {
    async run({ line, level }) {
      const written = await gpio.write(line, level);
      if (!written.ok) return refused(written.error);
      const effect = { attempted: true, acknowledged: true, observed: seen(written.value, clock.monotonicMs()) };
      if (written.value === level) return { state: "succeeded", result: { level }, effect };
      const error: Issue = {
        code: "gpio.effect-not-observed",
        message: `${line} was driven to ${level} and reads ${written.value}`,
        hint: "Something outside may hold the line.",
      };
      return { state: "failed", error, effect };
    },
    resolve: ({ line, level }) => askLine(gpio, line, level, clock),
  };
}

/**
 * Only a line that is still driven proves anything. A line may be released when the process that drove it ends, and is by
 * a boot; then its level depends on the wiring.
 */
async function askLine(gpio: Gpio, line: GpioLineRef, level: 0 | 1, clock: Clock): Promise<Execution<{ level: 0 | 1 }> | Unknown> {
  const lines = await gpio.lines();
  if (!lines.ok) return { state: "unknown", seen: lines.error.message };
  const info = lines.value.find(({ name, offset }) => name === line || offset === line);
  if (info?.level === undefined || info.direction !== "output") return { state: "unknown", seen: `${line} is not driven now` };
  const effect = { attempted: true, observed: seen(info.level, clock.monotonicMs()) };
  if (info.level !== level) return { state: "unknown", seen: `${line} is driven to ${info.level} now`, effect };
  return { state: "succeeded", result: { level }, effect };
}

/** Has no resolver: after a restart it cannot be known whether the pulse was sent. */
export function gpioPulseExecutor(gpio: Gpio, clock: Clock): CommandExecutor<"gpio.pulse"> {
  return {
    async run({ line, level, durationMs }, context) {
      if (context.signal.aborted)
        return { state: "failed", error: { code: "command.aborted", message: "stopped before the pulse" } };
      const pulsed = await gpio.pulse(line, level ?? 1, durationMs);
      if (!pulsed.ok) return refused(pulsed.error);
      const { measuredMs } = pulsed.value;
      return {
        state: "succeeded",
        result: { measuredMs },
        effect: { attempted: true, acknowledged: true, observed: seen(measuredMs, clock.monotonicMs()) },
      };
    },
  };
}

export function gpioReadExecutor(gpio: Gpio): CommandExecutor<"gpio.read"> {
  return {
    async run({ line }) {
      const level = await gpio.read(line);
      return level.ok ? { state: "succeeded", result: { level: level.value } } : refused(level.error);
    },
  };
}

function refused(error: Issue): Exclude<Execution<never>, { state: "succeeded" }> {
  return SENDERS_MISTAKE.has(error.code) ? { state: "rejected", error } : { state: "failed", error };
}
