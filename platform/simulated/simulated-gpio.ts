import type { Clock, Timer, Timers } from "../ports/clock.ts";
import { debounceInRange, pulseInRange, type Gpio, type GpioEdge, type GpioLevel, type GpioLineInfo, type GpioLineRef } from "../ports/gpio.ts";
import { HEADER_LINES } from "../ports/gpio-header.ts";
import { claimable, parseGpioLines, withConfiguration, type GpioLineSetup } from "../ports/gpio-lines.ts";
import { fail, ok, type Issue, type Result } from "../ports/result.ts";
import { OneAtATime } from "../runtime/one-at-a-time.ts";
import type { SimulatedWorld } from "./world.ts";
import type { WorldState } from "./world-state.ts";

interface Watch {
  readonly line: string;
  readonly stop: () => void;
}

interface Pulse {
  readonly line: string;
  readonly endNow: () => void;
}

export interface SimulatedGpioDeps {
  readonly world: SimulatedWorld;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The configuration key `gpio.lines`. `drive` has no effect here. */
  readonly configured?: string;
}

/**
 * The simulated 40-pin header, with the names and reserved lines of a real one. Writes and pulses on one line are serialised;
 * different lines are independent. The world keeps electrical levels; this port speaks of active (1) and inactive (0).
 */
export class SimulatedGpio implements Gpio {
  readonly #world: SimulatedWorld;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #lines: readonly GpioLineSetup[];
  readonly #issues: readonly Issue[];
  readonly #lanes = new Map<string, OneAtATime>();
  readonly #watches = new Set<Watch>();
  readonly #pulses = new Set<Pulse>();

  constructor({ world, clock, timers, configured = "" }: SimulatedGpioDeps) {
    this.#world = world;
    this.#clock = clock;
    this.#timers = timers;
    const parsed = parseGpioLines(configured);
    const setup = withConfiguration(headerOf(world.state.gpio.lines), parsed.lines);
    this.#lines = setup.lines;
    const unsafe = setup.safe.flatMap(({ line, level }) => {
      const free = this.#free(line);
      const driven = free.ok ? this.#set(free.value, level) : free;
      return driven.ok ? [] : [driven.error];
    });
    this.#issues = [...parsed.issues, ...setup.issues, ...unsafe];
  }

  /** Configured lines that are left out or cannot be put at their safe level. */
  issues(): readonly Issue[] {
    return this.#issues;
  }

  lines(): Promise<Result<readonly GpioLineInfo[]>> {
    if (this.#world.state.gpio.mood === "broken") return Promise.resolve(ioError("the header"));
    return Promise.resolve(ok(this.#lines.map((line) => this.#describe(line))));
  }

  read(ref: GpioLineRef): Promise<Result<GpioLevel>> {
    const found = this.#free(ref);
    return Promise.resolve(found.ok ? ok(this.#levelOf(found.value)) : found);
  }

  write(ref: GpioLineRef, level: GpioLevel): Promise<Result<GpioLevel>> {
    return this.#drive(ref, (line) => Promise.resolve(this.#set(line, level)));
  }

  pulse(ref: GpioLineRef, level: GpioLevel, durationMs: number): Promise<Result<{ readonly measuredMs: number }>> {
    const range = pulseInRange(durationMs);
    if (!range.ok) return Promise.resolve(range);
    return this.#drive(ref, async (line) => {
      const started = this.#set(line, level);
      if (!started.ok) return started;
      const startedMs = this.#clock.monotonicMs();
      await this.#hold(line.name, durationMs);
      const ended = this.#set(line, level === 1 ? 0 : 1);
      return ended.ok ? ok({ measuredMs: this.#clock.monotonicMs() - startedMs }) : ended;
    });
  }

  watch(
    ref: GpioLineRef,
    options: { readonly debounceMs: number; readonly pull?: "none" | "up" | "down" },
    edge: (edge: GpioEdge) => void,
  ): Promise<Result<() => void>> {
    return Promise.resolve(this.#watch(ref, options, edge));
  }

  /** Ends all pulses at once, at their resting level, and all watches. */
  close(): void {
    for (const pulse of [...this.#pulses]) pulse.endNow();
    for (const watch of [...this.#watches]) watch.stop();
  }

  #watch(ref: GpioLineRef, { debounceMs, pull }: Parameters<Gpio["watch"]>[1], edge: (edge: GpioEdge) => void): Result<() => void> {
    const range = debounceInRange(debounceMs);
    if (!range.ok) return range;
    const found = this.#free(ref);
    if (!found.ok) return found;
    const line = found.value;
    const { name } = line;
    const pulled = pull ?? line.pull;
    // A line requested as an input is no longer driven, as in the kernel.
    this.#world.updateLine(name, { direction: "input", ...(pulled !== undefined && { pull: pulled }) });
    let reported = this.#levelOf(line);
    let pending: Timer | undefined;
    const settle = (): void => {
      pending = undefined;
      const level = this.#levelOf(line);
      if (level === reported) return;
      reported = level;
      edge({ line: name, level, atMs: this.#clock.monotonicMs() });
    };
    let last = reported;
    const undo = this.#world.onChange((sections) => {
      if (!sections.includes("gpio") || this.#levelOf(line) === last) return;
      last = this.#levelOf(line);
      pending?.cancel();
      pending = undefined;
      if (debounceMs === 0) settle();
      else if (last !== reported) pending = this.#timers.after(`gpio.debounce.${name}`, debounceMs, settle);
    });
    const watch: Watch = {
      line: name,
      stop: () => {
        undo();
        pending?.cancel();
        this.#watches.delete(watch);
      },
    };
    this.#watches.add(watch);
    return ok(watch.stop);
  }

  #describe(line: GpioLineSetup): GpioLineInfo {
    const { name, offset, aliases, reservedFor } = line;
    const { direction, pull, consumer } = this.#stateOf(line);
    return {
      name,
      offset,
      ...(aliases.length > 0 && { aliases }),
      direction,
      level: this.#levelOf(line),
      pull,
      ...(consumer !== undefined && { consumer }),
      ...(reservedFor !== undefined && { reservedFor }),
    };
  }

  /** Runs `act` in the line's lane after checking that we may drive the line. */
  #drive<T>(ref: GpioLineRef, act: (line: GpioLineSetup) => Promise<Result<T>>): Promise<Result<T>> {
    const known = claimable(this.#lines, ref);
    if (!known.ok) return Promise.resolve(known);
    const { name } = known.value;
    const lane = this.#lanes.get(name) ?? new OneAtATime();
    this.#lanes.set(name, lane);
    return lane.run(async () => {
      const free = this.#free(name);
      if (!free.ok) return free;
      if ([...this.#watches].some((watch) => watch.line === name)) {
        return fail("gpio.not-an-output", `${name} is being watched as an input`, "end the watch before driving the line");
      }
      return act(known.value);
    });
  }

  #set(line: GpioLineSetup, level: GpioLevel): Result<GpioLevel> {
    if (this.#world.state.gpio.mood === "broken") return ioError(line.name);
    this.#world.updateLine(line.name, { direction: "output", driven: electrical(line, level) });
    return ok(this.#levelOf(line));
  }

  #hold(name: string, durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#pulses.delete(pulse);
        resolve();
      };
      const timer = this.#timers.after(`gpio.pulse.${name}`, durationMs, end);
      const pulse: Pulse = {
        line: name,
        endNow: () => {
          timer.cancel();
          end();
        },
      };
      this.#pulses.add(pulse);
    });
  }

  #free(ref: GpioLineRef): Result<GpioLineSetup> {
    const found = claimable(this.#lines, ref);
    if (!found.ok) return found;
    if (this.#world.state.gpio.mood === "broken") return ioError(found.value.name);
    const { consumer } = this.#stateOf(found.value);
    if (consumer !== undefined) return fail("gpio.busy", `${found.value.name} is held by "${consumer}"`);
    return found;
  }

  #stateOf({ name }: GpioLineSetup): WorldLines[string] {
    const state = this.#world.state.gpio.lines[name];
    if (state === undefined) throw new Error(`the simulated header has lost its line ${name}`);
    return state;
  }

  #levelOf(line: GpioLineSetup): GpioLevel {
    return electrical(line, this.#world.levelOf(line.name) ?? 0);
  }
}

type WorldLines = WorldState["gpio"]["lines"];

/** Each line of the world with what a real header says of it. */
function headerOf(lines: WorldLines): readonly GpioLineSetup[] {
  return Object.entries(lines).map(([name, { offset }]) => HEADER_LINES.find((line) => line.name === name) ?? { name, aliases: [], offset });
}

/** Turns an electrical level into a logical one, and back. */
function electrical({ activeLow }: GpioLineSetup, level: GpioLevel): GpioLevel {
  return activeLow === true ? (level === 1 ? 0 : 1) : level;
}

function ioError(name: string): Result<never> {
  return fail("gpio.io", `the kernel refused access to ${name}`);
}
