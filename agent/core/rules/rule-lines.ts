import type { RuleEffect } from "../../protocol/rules.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Gpio, GpioLevel, GpioLineRef } from "../../../platform/ports/gpio.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { messageOf, type Issue, type Result } from "../../../platform/ports/result.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { Execution, ExecutionContext } from "../commands/executor.ts";
import { gpioPulseExecutor, gpioWriteExecutor } from "../commands/executors/gpio-executors.ts";

export type LineEffect = Extract<RuleEffect, { kind: "line" }>;

export interface RuleLinesDeps {
  readonly gpio: Gpio | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** A level that is wanted and could not be driven. */
interface Undriven {
  readonly rule: string;
  readonly line: string;
  readonly level: GpioLevel;
  readonly stop: AbortController;
  issue: Issue;
  /** Commands for this line that are under way. */
  commands: number;
}

/** Pause before a line that cannot be driven is tried again. */
const AGAIN: RetryPolicy = { firstMs: 5_000, factor: 2, capMs: 300_000, floorMs: 2_000 };

/**
 * The lines that rules drive. A level that lasts and cannot be driven is an issue. It is tried again until it is driven, the
 * rule wants something else, or another rule or a command drives the line.
 */
export class RuleLines {
  readonly #deps: RuleLinesDeps;
  readonly #undriven = new Set<Undriven>();

  constructor(deps: RuleLinesDeps) {
    this.#deps = deps;
  }

  /** The first line that cannot be driven. */
  issue(): Issue | undefined {
    const [first] = this.#undriven;
    if (first === undefined) return undefined;
    const { rule, line, issue: { code, message } } = first;
    return { code: "rules.output-lost", message: `${line} of the rule ${rule}: ${message} (${code})${this.#undriven.size > 1 ? ` (and ${this.#undriven.size - 1} more)` : ""}` };
  }

  /** Drives a line, or resolves to `undefined` without GPIO. `signal`: the rule wants something else. */
  async drive(rule: string, { line, level, pulseMs }: LineEffect, signal: AbortSignal): Promise<Execution | undefined> {
    const { gpio, clock } = this.#deps;
    if (gpio === undefined) return undefined;
    for (const older of await this.#undrivenOf(line)) this.#forget(older);
    const context = contextOf(signal);
    if (pulseMs !== undefined) return gpioPulseExecutor(gpio, clock).run({ line, level, durationMs: pulseMs }, context);
    const execution = await gpioWriteExecutor(gpio, clock).run({ line, level }, context);
    // With an effect the line is driven, though something outside may hold it.
    if ("error" in execution && !("effect" in execution) && !signal.aborted) this.#tryAgain(gpio, { rule, line, level, stop: new AbortController(), issue: execution.error, commands: 0 }, signal);
    return execution;
  }

  /** GPIO for commands: what one of them drives, no rule tries to drive any more. */
  forCommands(gpio: Gpio): Gpio {
    return {
      lines: () => gpio.lines(),
      read: (line) => gpio.read(line),
      write: (line, level) => this.#command(line, () => gpio.write(line, level)),
      pulse: (line, level, durationMs) => this.#command(line, () => gpio.pulse(line, level, durationMs)),
      watch: (...how) => gpio.watch(...how),
    };
  }

  async #command<T>(ref: GpioLineRef, drive: () => Promise<Result<T>>): Promise<Result<T>> {
    const waiting = await this.#undrivenOf(ref);
    for (const one of waiting) one.commands += 1;
    const driven = await drive();
    for (const one of waiting) {
      one.commands -= 1;
      if (driven.ok) this.#forget(one);
    }
    return driven;
  }

  #tryAgain(gpio: Gpio, undriven: Undriven, signal: AbortSignal): void {
    const { rule, line, issue } = undriven;
    const { log } = this.#deps;
    log.warn({ rule, line, ...issue }, "a line cannot be driven as a rule wants; trying again");
    this.#undriven.add(undriven);
    signal.addEventListener("abort", () => this.#forget(undriven), { once: true });
    this.#untilDriven(gpio, undriven).catch((thrown: unknown) => log.error({ rule, line, error: messageOf(thrown) }, "driving a line threw: a bug"));
  }

  async #untilDriven(gpio: Gpio, undriven: Undriven): Promise<void> {
    const { timers, random, log } = this.#deps;
    const { rule, line, level, stop: { signal } } = undriven;
    for (let attempt = 0; await sleep(timers, `rules.drive.${line}`, retryDelayMs(AGAIN, attempt, random), signal); attempt += 1) {
      if (undriven.commands > 0) continue;
      const written = await gpio.write(line, level);
      if (signal.aborted) return;
      if (!written.ok) {
        undriven.issue = written.error;
        continue;
      }
      log.info({ rule, line, level }, "a line is driven as a rule wants, after all");
      return this.#forget(undriven);
    }
  }

  #forget(undriven: Undriven): void {
    this.#undriven.delete(undriven);
    undriven.stop.abort();
  }

  /** A line has several names. */
  async #undrivenOf(ref: GpioLineRef): Promise<readonly Undriven[]> {
    if (this.#undriven.size === 0) return [];
    const lines = await this.#deps.gpio?.lines();
    const infos = lines?.ok === true ? lines.value : [];
    const offsetOf = (one: GpioLineRef): GpioLineRef => infos.find(({ name, aliases, offset }) => offset === one || name === one || aliases?.includes(String(one)))?.offset ?? one;
    return [...this.#undriven].filter(({ line }) => offsetOf(line) === offsetOf(ref));
  }
}

/** What a rule is to an executor: a command without progress and journal. */
export function contextOf(signal: AbortSignal): ExecutionContext {
  return { id: "rule", attempt: 1, signal, progress: () => undefined, intend: () => Promise.resolve() };
}
