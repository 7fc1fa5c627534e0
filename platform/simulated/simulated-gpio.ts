import type { Clock, Timer, Timers } from "../ports/clock.ts";
import { debounceInRange, pulseInRange, type Gpio, type GpioEdge, type GpioLevel, type GpioLineInfo, type GpioLineRef } from "../ports/gpio.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { OneAtATime } from "../runtime/one-at-a-time.ts";
import type { SimulatedWorld } from "./world.ts";
import type { GpioLineState } from "./world-state.ts";

interface Watch {
  readonly line: string;
  readonly stop: () => void;
}

interface Pulse {
  readonly line: string;
  readonly endNow: () => void;
}

/** The simulated 40-pin header. Writes and pulses on one line are serialised; different lines are independent. */
export class SimulatedGpio implements Gpio {
  readonly #world: SimulatedWorld;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #lanes = new Map<string, OneAtATime>();
  readonly #watches = new Set<Watch>();
  readonly #pulses = new Set<Pulse>();

  constructor(world: SimulatedWorld, clock: Clock, timers: Timers) {
    this.#world = world;
    this.#clock = clock;
    this.#timers = timers;
  }

  lines(): Promise<Result<readonly GpioLineInfo[]>> {
    if (this.#world.state.gpio.mood === "broken") return Promise.resolve(ioError("the header"));
    const infos = Object.entries(this.#world.state.gpio.lines).map(([name, { offset, direction, level, pull, consumer }]): GpioLineInfo => {
      const info = { name, offset, direction, level, pull };
      return consumer === undefined ? info : { ...info, consumer };
    });
    return Promise.resolve(ok(infos));
  }

  read(ref: GpioLineRef): Promise<Result<GpioLevel>> {
    const found = this.#free(ref);
    return Promise.resolve(found.ok ? ok(this.#levelOf(found.value.name)) : found);
  }

  write(ref: GpioLineRef, level: GpioLevel): Promise<Result<GpioLevel>> {
    return this.#drive(ref, (name) => Promise.resolve(this.#set(name, level)));
  }

  pulse(ref: GpioLineRef, level: GpioLevel, durationMs: number): Promise<Result<{ readonly measuredMs: number }>> {
    const range = pulseInRange(durationMs);
    if (!range.ok) return Promise.resolve(range);
    return this.#drive(ref, async (name) => {
      const started = this.#set(name, level);
      if (!started.ok) return started;
      const startedMs = this.#clock.monotonicMs();
      await this.#hold(name, durationMs);
      const ended = this.#set(name, level === 1 ? 0 : 1);
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
    const { name } = found.value;
    // A line requested as an input is no longer driven, as in the kernel.
    this.#world.updateLine(name, pull === undefined ? { direction: "input" } : { direction: "input", pull });
    let reported = this.#levelOf(name);
    let pending: Timer | undefined;
    const settle = (): void => {
      pending = undefined;
      const level = this.#levelOf(name);
      if (level === reported) return;
      reported = level;
      edge({ line: name, level, atMs: this.#clock.monotonicMs() });
    };
    let last = reported;
    const undo = this.#world.onChange((sections) => {
      if (!sections.includes("gpio") || this.#levelOf(name) === last) return;
      last = this.#levelOf(name);
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

  /** Runs `act` in the line's lane after checking that we may drive the line. */
  #drive<T>(ref: GpioLineRef, act: (name: string) => Promise<Result<T>>): Promise<Result<T>> {
    const known = this.#find(ref);
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
      return act(name);
    });
  }

  #set(name: string, level: GpioLevel): Result<GpioLevel> {
    if (this.#world.state.gpio.mood === "broken") return ioError(name);
    this.#world.updateLine(name, { direction: "output", driven: level });
    return ok(this.#levelOf(name));
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

  #find(ref: GpioLineRef): Result<{ readonly name: string; readonly line: GpioLineState }> {
    const { lines, mood } = this.#world.state.gpio;
    const entry = Object.entries(lines).find(([name, line]) => (typeof ref === "number" ? line.offset === ref : name === ref));
    if (entry === undefined) return fail("gpio.no-such-line", "the header has no such line", `it has ${Object.keys(lines).join(", ")}`);
    if (mood === "broken") return ioError(entry[0]);
    return ok({ name: entry[0], line: entry[1] });
  }

  #free(ref: GpioLineRef): Result<{ readonly name: string }> {
    const found = this.#find(ref);
    if (!found.ok) return found;
    const { consumer } = found.value.line;
    if (consumer !== undefined) return fail("gpio.busy", `${found.value.name} is held by "${consumer}"`);
    return ok({ name: found.value.name });
  }

  #levelOf(name: string): GpioLevel {
    return this.#world.levelOf(name) ?? 0;
  }
}

function ioError(name: string): Result<never> {
  return fail("gpio.io", `the kernel refused access to ${name}`);
}
