import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import type { SimContext } from "../simulation-context.ts";

/**
 * One life of a process, from its start to its end. What it started ends with it: no timer of a dead process
 * fires, no call it made returns, and nothing it calls from then on has an effect.
 */
export class Life implements Timers {
  readonly name: string;
  readonly random: SeededRandom;
  readonly #sim: SimContext;
  readonly clock: Clock;
  readonly #onDeath: () => void;
  readonly #pending = new Set<LifeTimer>();
  readonly #undo: (() => void)[] = [];
  /** Off until it runs: a process that dies while it starts is another event. */
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

  /** Ends it at once. Nothing of it is told. */
  die(why: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#sim.trace.add(this.name, "dies", why);
    for (const timer of [...this.#pending]) timer.cancel();
    for (const undo of this.#undo.splice(0)) undo();
    this.#onDeath();
  }

  /** Something outside that must not reach it any more once it is dead. */
  atDeath(undo: () => void): void {
    if (this.#alive) this.#undo.push(undo);
    else undo();
  }

  /** Whole milliseconds, rounded up, as the timers of the real machine are. */
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

  /** How many timers are armed. */
  get armed(): number {
    return this.#pending.size;
  }

  pending(): readonly { readonly name: string; readonly dueMs: number }[] {
    return [...this.#pending].sort((a, b) => a.dueMs - b.dueMs);
  }

  /** Runs code of the process from outside of it. What it throws is a bug of it. */
  run(what: string, work: () => void): void {
    if (!this.#alive) return;
    try {
      work();
    } catch (thrown) {
      // It died in the middle of this, and what went on for a moment met closed doors.
      if (!this.#alive) return;
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      this.#sim.breach("nothing-throws", `${this.name}: ${what} threw ${stack ?? messageOf(thrown)}`);
    }
  }

  /** A call of a port by this process: it may die just before or just after, and then never hears the answer. */
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

  /** A loop of timers that lets no time pass would never give the simulation a chance to see it. */
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

/** A timer of one life: among its pending ones until it fires or is canceled. */
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
    // A dead process waits for ever.
  });
}
