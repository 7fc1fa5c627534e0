import type { RuleEffect } from "../../protocol/rules.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Gpio, GpioLevel, GpioLineRef } from "../../../platform/ports/gpio.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { Execution, ExecutionContext } from "../commands/executor.ts";
import { gpioPulseExecutor, gpioWriteExecutor } from "../commands/executors/gpio-executors.ts";

/** What a rule wants of a line: a level that lasts, or a pulse. */
export type LineEffect = Extract<RuleEffect, { kind: "line" }>;

/** `gpio`: absent where the machine has no lines. */
export interface RuleLinesDeps {
  readonly gpio: Gpio | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** A level that lasts, as the last rule at its line wants it. */
interface Lasting {
  readonly rule: string;
  readonly line: string;
  readonly level: GpioLevel;
  /** Ends when the rule wants something else, or another rule or a command drives the line. */
  readonly stop: AbortController;
  /** Why it cannot be driven; it is tried again while this is set. */
  issue: Issue | undefined;
  /** Pulses and commands at the line that are under way. Meanwhile the level is not driven. */
  others: number;
}

/** Pause before a line that cannot be driven is tried again. */
const AGAIN: RetryPolicy = { firstMs: 5_000, factor: 2, capMs: 300_000, floorMs: 2_000 };

const SUPERSEDED: Issue = { code: "rules.overridden", message: "the rule fired again, or is no longer in force" };

/**
 * The lines that rules drive. A level lasts until its rule wants something else, or another rule or a command drives the line.
 * One that cannot be driven is an issue, and is tried again. A pulse does not replace a level that lasts: that is driven again
 * when the pulse ends.
 */
export class RuleLines {
  readonly #deps: RuleLinesDeps;
  readonly #lasting = new Set<Lasting>();
  /** Orders reach the lines in the order in which they were given. */
  readonly #turns = new OneAtATime();

  constructor(deps: RuleLinesDeps) {
    this.#deps = deps;
  }

  /** The first line that cannot be driven. */
  issue(): Issue | undefined {
    const undriven = [...this.#lasting].flatMap(({ rule, line, issue }) => (issue === undefined ? [] : [{ rule, line, issue }]));
    const [first] = undriven;
    if (first === undefined) return undefined;
    const { rule, line, issue: { code, message } } = first;
    return { code: "rules.output-lost", message: `${line} of the rule ${rule}: ${message} (${code})${undriven.length > 1 ? ` (and ${undriven.length - 1} more)` : ""}` };
  }

  /**
   * Drives a line, or resolves to `undefined` without GPIO. `signal`: the rule wants something else. Errors: those of `Gpio`,
   * `gpio.effect-not-observed`, and `rules.overridden` where the signal came before the order reached the line.
   */
  async drive(rule: string, { line, level, pulseMs }: LineEffect, signal: AbortSignal): Promise<Execution | undefined> {
    const { gpio, clock } = this.#deps;
    if (gpio === undefined) return undefined;
    const context = contextOf(signal);
    if (pulseMs !== undefined) {
      return this.#during(gpio, line, () => (signal.aborted ? Promise.resolve<Execution>({ state: "failed", error: SUPERSEDED }) : gpioPulseExecutor(gpio, clock).run({ line, level, durationMs: pulseMs }, context)));
    }
    const older = await this.#lastingAt(line);
    if (signal.aborted) return { state: "failed", error: SUPERSEDED };
    for (const one of older) this.#forget(one);
    const lasting: Lasting = { rule, line, level, stop: new AbortController(), issue: undefined, others: 0 };
    this.#lasting.add(lasting);
    signal.addEventListener("abort", () => this.#forget(lasting), { once: true });
    const execution = await gpioWriteExecutor(gpio, clock).run({ line, level }, context);
    // With an effect the line is driven, though something outside may hold it.
    if ("error" in execution && !("effect" in execution)) this.#tryAgain(gpio, lasting, execution.error);
    return execution;
  }

  /** GPIO for commands: a level that one of them drives replaces that of a rule. */
  forCommands(gpio: Gpio): Gpio {
    return {
      lines: () => gpio.lines(),
      read: (line) => gpio.read(line),
      write: (line, level) => this.#during(gpio, line, async (lasting) => {
        const written = await gpio.write(line, level);
        if (written.ok) for (const one of lasting) this.#forget(one);
        return written;
      }),
      pulse: (line, level, durationMs) => this.#during(gpio, line, () => gpio.pulse(line, level, durationMs)),
      watch: (...how) => gpio.watch(...how),
    };
  }

  /** Runs what drives the line for a while, and then drives the level again that still lasts there. */
  async #during<T>(gpio: Gpio, ref: GpioLineRef, drive: (lasting: readonly Lasting[]) => Promise<T>): Promise<T> {
    const lasting = await this.#lastingAt(ref);
    for (const one of lasting) one.others += 1;
    try {
      return await drive(lasting);
    } finally {
      for (const one of lasting) {
        one.others -= 1;
        if (one.others === 0 && one.issue === undefined && !one.stop.signal.aborted) this.#detach(one, this.#driveAgain(gpio, one));
      }
    }
  }

  async #driveAgain(gpio: Gpio, lasting: Lasting): Promise<void> {
    const written = await gpio.write(lasting.line, lasting.level);
    if (!written.ok) this.#tryAgain(gpio, lasting, written.error);
  }

  #tryAgain(gpio: Gpio, lasting: Lasting, issue: Issue): void {
    if (lasting.stop.signal.aborted || lasting.issue !== undefined) return;
    const { rule, line } = lasting;
    this.#deps.log.warn({ rule, line, ...issue }, "a line cannot be driven as a rule wants; trying again");
    lasting.issue = issue;
    this.#detach(lasting, this.#untilDriven(gpio, lasting));
  }

  async #untilDriven(gpio: Gpio, lasting: Lasting): Promise<void> {
    const { timers, random, log } = this.#deps;
    const { rule, line, level, stop: { signal } } = lasting;
    for (let attempt = 0; await sleep(timers, `rules.drive.${line}`, retryDelayMs(AGAIN, attempt, random), signal); attempt += 1) {
      if (lasting.others > 0) continue;
      const written = await gpio.write(line, level);
      if (signal.aborted) return;
      if (!written.ok) {
        lasting.issue = written.error;
        continue;
      }
      log.info({ rule, line, level }, "a line is driven as a rule wants, after all");
      lasting.issue = undefined;
      return;
    }
  }

  #detach({ rule, line }: Lasting, driving: Promise<void>): void {
    driving.catch((thrown: unknown) => this.#deps.log.error({ rule, line, error: messageOf(thrown) }, "driving a line threw: a bug"));
  }

  #forget(lasting: Lasting): void {
    this.#lasting.delete(lasting);
    lasting.stop.abort();
  }

  /** The levels that last at this line, which has several names. Resolves in the order of the calls. */
  #lastingAt(ref: GpioLineRef): Promise<readonly Lasting[]> {
    return this.#turns.run(async () => {
      if (this.#lasting.size === 0) return [];
      const lines = await this.#deps.gpio?.lines();
      const infos = lines?.ok === true ? lines.value : [];
      const offsetOf = (one: GpioLineRef): GpioLineRef => infos.find(({ name, aliases, offset }) => offset === one || name === one || aliases?.includes(String(one)))?.offset ?? one;
      return [...this.#lasting].filter(({ line }) => offsetOf(line) === offsetOf(ref));
    });
  }
}

/** What a rule is to an executor: a command without progress and journal. */
export function contextOf(signal: AbortSignal): ExecutionContext {
  return { id: "rule", attempt: 1, signal, progress: () => undefined, intend: () => Promise.resolve() };
}
