import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import type { SimContext } from "../simulation-context.ts";

/**
 * One life of a process, from start to end. Everything it started ends with it: timers of a dead process do not fire, its
 * calls do not return, and new calls have no effect.
 */
export class Life implements Timers {
  readonly name: string;
  readonly random: SeededRandom;
  readonly #sim: SimContext;
  readonly clock: Clock;
  readonly #onDeath: () => void;
  readonly #pending = new Set<LifeTimer>();
  readonly #undo: (() => void)[] = [];
  /** Chance kills at ports are possible only while this is true; a death during the start is a separate event. */
  killable = true;
  #alive = true;
  #armed = 0;
  #armedSecond = 0;
  timersMax = 0;

  constructor(sim: SimContext, name: string, random: SeededRandom, clock: Clock, onDeath: () => void) {
    this.#sim = sim;
    this.name = name;
    this.random = random;
    this.clock = clock;
    this.#onDeath = onDeath;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Ends the process at once, without notice. */
  die(why: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#sim.trace.add(this.name, "dies", why);
    for (const timer of [...this.#pending]) timer.cancel();
    for (const undo of this.#undo.splice(0)) undo();
    this.#onDeath();
  }

  /** Registers a cleanup for its death, such as removing an outside listener. */
  atDeath(undo: () => void): void {
    if (this.#alive) this.#undo.push(undo);
    else undo();
  }

  /** Delays are rounded up to whole milliseconds, like timers of the real machine. */
  after(name: string, delayMs: number, fire: () => void): Timer {
    if (!this.#alive) return DEAD_TIMER;
    this.#countArmed(name);
    const late = this.#sim.sabotage === "late-writes" && name === "outbox.flush" ? 60_000 : 0;
    const timer = new LifeTimer(name, this.clock.monotonicMs() + delayMs, this.#pending);
    timer.arm(
      this.#sim.time.after(name, Math.ceil(delayMs) + late, () => {
        this.#pending.delete(timer);
        if (this.#sim.sabotage === "throwing-timer" && name === "link.tick") this.run(name, sabotaged);
        this.run(name, fire);
      }),
    );
    if (this.#sim.sabotage === "leaky-timers") this.#pending.add(new LifeTimer(name, Number.POSITIVE_INFINITY, this.#pending));
    if (this.#pending.size > this.timersMax) this.timersMax = this.#pending.size;
    return timer;
  }

  /** Number of pending timers. */
  get armed(): number {
    return this.#pending.size;
  }

  pending(): readonly { readonly name: string; readonly dueMs: number }[] {
    return [...this.#pending].sort((a, b) => a.dueMs - b.dueMs);
  }

  /** Runs code of the process from outside. An exception is a bug of the process. */
  run(what: string, work: () => void): void {
    if (!this.#alive) return;
    try {
      work();
    } catch (thrown) {
      // It died during this call, so an exception means nothing.
      if (!this.#alive) return;
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      this.#sim.breach("nothing-throws", `${this.name}: ${what} threw ${stack ?? messageOf(thrown)}`);
    }
  }

  /** A port call of this process, which may die just before or after it and then never gets the answer. */
  call<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (!this.#alive || this.#diesAt(what, "before")) return never();
    return new Promise((resolve, reject) => {
      work().then(
        (value) => {
          if (this.#alive && !this.#diesAt(what, "after")) resolve(value);
        },
        (thrown: unknown) => {
          if (this.#alive) reject(thrown);
        },
      );
    });
  }

  /** Counts timers, to detect a loop of timers that lets no time pass. */
  #countArmed(name: string): void {
    const second = Math.floor(this.#sim.time.monotonicMs() / 1_000);
    if (second !== this.#armedSecond) this.#armed = 0;
    this.#armedSecond = second;
    this.#armed += 1;
    if (this.#armed > ARMED_PER_SECOND_MAX) throw new Error(`${this.#armed} timers within a second, the last of them ${name}: time stands still`);
  }

  #diesAt(what: string, side: string): boolean {
    const chance = this.#sim.faults().killAtPortChance;
    if (chance === 0 || !this.killable || !this.random.chance(chance)) return false;
    this.#sim.ledger.faults += 1;
    this.die(`${side} ${what}`);
    return true;
  }
}

/** A timer of one life, pending until it fires or is canceled. */
class LifeTimer implements Timer {
  readonly name: string;
  readonly dueMs: number;
  readonly #among: Set<LifeTimer>;
  #timer: Timer | undefined;

  constructor(name: string, dueMs: number, among: Set<LifeTimer>) {
    this.name = name;
    this.dueMs = dueMs;
    this.#among = among;
  }

  arm(timer: Timer): void {
    this.#timer = timer;
    this.#among.add(this);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#among.delete(this);
  }
}

function sabotaged(): void {
  throw new TypeError("sabotage");
}

const ARMED_PER_SECOND_MAX = 20_000;

const DEAD_TIMER: Timer = {
  cancel: () => {
    // It was never armed.
  },
};

function never<T>(): Promise<T> {
  return new Promise(() => {
    // Never settles.
  });
}
