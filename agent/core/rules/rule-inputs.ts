import { RULE_DEBOUNCE_MS, type RuleInput, type Rules } from "../../protocol/rules.ts";
import type { CecKey } from "../../../platform/ports/cec-keys.ts";
import type { Timers } from "../../../platform/ports/clock.ts";
import type { Gpio, GpioLevel } from "../../../platform/ports/gpio.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import type { TvWatch } from "../screen/tv-watch.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";

type LineInput = Extract<RuleInput, { kind: "line" }>;

export interface RuleInputsDeps {
  readonly gpio: Gpio | undefined;
  readonly tv: Pick<TvWatch, "onEvent">;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** A line has another level, or cannot be read any more. `isEdge`: it changed while it was watched. */
  lineChanged(line: string, isEdge: boolean): void;
  keyPressed(key: CecKey): void;
}

/** Pause before a line that cannot be watched is tried again. */
const AGAIN: RetryPolicy = { firstMs: 5_000, factor: 2, capMs: 300_000, floorMs: 2_000 };

/** The lines and keys that rules wait for. Lines that cannot be watched are issues and tried again. */
export class RuleInputs {
  readonly #deps: RuleInputsDeps;
  readonly #levels = new Map<string, GpioLevel>();
  readonly #issues = new Map<string, Issue>();

  constructor(deps: RuleInputsDeps) {
    this.#deps = deps;
  }

  /** Whether the input is present; `undefined` while it cannot be read. A key is present only for a moment. */
  lineActive({ line, active = 1 }: LineInput): boolean | undefined {
    const level = this.#levels.get(line);
    return level === undefined ? undefined : level === active;
  }

  levelOf(line: string): GpioLevel | undefined {
    return this.#levels.get(line);
  }

  /** The first line that cannot be watched. */
  issue(): Issue | undefined {
    const [first] = this.#issues;
    if (first === undefined) return undefined;
    const [line, { code, message }] = first;
    return { code: "rules.input-lost", message: `${line}: ${message} (${code})${this.#issues.size > 1 ? ` (and ${this.#issues.size - 1} more)` : ""}` };
  }

  /** Watches what these rules wait for until `signal` aborts. */
  async watch({ table }: Rules, signal: AbortSignal): Promise<void> {
    const inputs = table.flatMap(({ when }) => when);
    const lines = new Map(inputs.flatMap((input) => (input.kind === "line" ? [[input.line, input] as const] : [])));
    const keys = new Set(inputs.flatMap((input) => (input.kind === "cec-key" ? [input.key as CecKey] : [])));
    const undo = this.#deps.tv.onEvent(({ event }) => {
      if (event.kind === "key" && event.key !== undefined && keys.has(event.key)) this.#deps.keyPressed(event.key);
    });
    try {
      await Promise.all([aborted(signal), ...[...lines.values()].map((line) => this.#keepWatching(line, signal))]);
    } finally {
      undo();
      this.#levels.clear();
      this.#issues.clear();
    }
  }

  async #keepWatching(input: LineInput, signal: AbortSignal): Promise<void> {
    const { line } = input;
    const { timers, random, log } = this.#deps;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const ended = await this.#watchLine(input, signal, () => (attempt = 0));
      if (signal.aborted) return;
      if (!this.#issues.has(line)) log.warn({ line, ...ended }, "a line that a rule waits for cannot be watched; trying again");
      this.#issues.set(line, ended);
      this.#levels.delete(line);
      this.#deps.lineChanged(line, false);
      await sleep(timers, `rules.watch.${line}`, retryDelayMs(AGAIN, attempt, random), signal);
    }
  }

  /** Resolves to why the line is not watched any more. */
  #watchLine({ line, debounceMs, pull }: LineInput, signal: AbortSignal, began: () => void): Promise<Issue> {
    const { gpio } = this.#deps;
    if (gpio === undefined) return Promise.resolve({ code: "rules.unsupported", message: "this device has no GPIO" });
    return new Promise((resolve) => {
      let undo: (() => void) | undefined;
      const finish = (why: Issue): void => {
        signal.removeEventListener("abort", onAbort);
        undo?.();
        undo = undefined;
        resolve(why);
      };
      const onAbort = (): void => finish({ code: "rules.input-lost", message: "no longer watched" });
      const take = (level: GpioLevel, isEdge: boolean): void => {
        if (signal.aborted) return;
        began();
        this.#issues.delete(line);
        this.#levels.set(line, level);
        this.#deps.lineChanged(line, isEdge);
      };
      const start = async (): Promise<void> => {
        let edges = 0;
        const watching = await gpio.watch(line, { debounceMs: debounceMs ?? RULE_DEBOUNCE_MS, ...(pull !== undefined && { pull }) }, ({ level }) => {
          edges += 1;
          take(level, edges > 1 || this.#levels.has(line));
        }, finish);
        if (!watching.ok) return finish(watching.error);
        undo = watching.value;
        if (signal.aborted) return onAbort();
        const level = await gpio.read(line);
        // An edge that came meanwhile is newer.
        if (edges > 0) return;
        if (level.ok) take(level.value, false);
        else finish(level.error);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      else start().catch((thrown: unknown) => finish({ code: "gpio.io", message: String(thrown) }));
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
