import type { Clock, Timer, Timers } from "../ports/clock.ts";

/** A timer that waits, and the handle to it: one object, because a simulation makes thousands of them a second. */
class Pending implements Timer {
  readonly name: string;
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
  readonly #forget: (pending: Pending) => void;

  constructor(name: string, dueMs: number, order: number, fire: () => void, forget: (pending: Pending) => void) {
    this.name = name;
    this.dueMs = dueMs;
    this.order = order;
    this.fire = fire;
    this.#forget = forget;
  }

  cancel(): void {
    this.#forget(this);
  }
}

export interface VirtualTimeOptions {
  /** Wall time at the start, milliseconds since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly wallMs?: number;
  /** Monotonic time at the start. Not 0 by default: code that takes "0" for "never" shows itself. */
  readonly monotonicMs?: number;
  /** Lets everything that waits on settled promises run. Default: one turn of the event loop. */
  readonly settle?: () => Promise<void>;
}

const DELAY_MAX_MS = 2 ** 31 - 1;

/**
 * Time that moves only when told to. Timers fire in order of due time, then of creation; between two of
 * them all promise reactions run, so that the order of events does not depend on the machine.
 */
export class VirtualTime implements Clock, Timers {
  #monotonicMs: number;
  #wallOffsetMs: number;
  readonly #settle: () => Promise<void>;
  readonly #queue: Pending[] = [];
  readonly #forget = (entry: Pending): void => {
    const at = this.#placeOf(entry);
    if (at >= 0) this.#queue.splice(at, 1);
  };
  #order = 0;
  #moving = false;

  constructor(options: VirtualTimeOptions = {}) {
    this.#monotonicMs = options.monotonicMs ?? 1_000;
    this.#wallOffsetMs = (options.wallMs ?? Date.UTC(2026, 0, 1)) - this.#monotonicMs;
    this.#settle = options.settle ?? eventLoopTurn;
  }

  wallMs(): number {
    // Whole milliseconds, as every wall clock gives them; timers may be due in between.
    return Math.floor(this.#monotonicMs + this.#wallOffsetMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Steps the wall clock alone, forwards or backwards, as an administrator or NTP does. No timer notices. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  after(name: string, delayMs: number, fire: () => void): Timer {
    if (!(delayMs >= 0 && delayMs <= DELAY_MAX_MS)) {
      throw new RangeError(`timer ${name}: a delay of ${delayMs} ms is not between 0 and ${DELAY_MAX_MS}`);
    }
    const entry = new Pending(name, this.#monotonicMs + delayMs, this.#order++, fire, this.#forget);
    this.#queue.splice(this.#placeFor(entry.dueMs), 0, entry);
    return entry;
  }

  pending(): readonly { readonly name: string; readonly dueMs: number }[] {
    return this.#queue.map(({ name, dueMs }) => ({ name, dueMs }));
  }

  /** Moves `byMs` on, firing what falls due. What a timer throws comes out of here. */
  advance(byMs: number): Promise<void> {
    return this.advanceTo(this.#monotonicMs + byMs);
  }

  /** Moves on to a monotonic time that is not in the past. */
  async advanceTo(targetMs: number): Promise<void> {
    if (!(targetMs >= this.#monotonicMs)) throw new RangeError(`virtual time does not go back to ${targetMs} ms`);
    await this.#move(async () => {
      while (this.#fireNext(targetMs)) await this.#settle();
      this.#monotonicMs = targetMs;
      await this.#settle();
    });
  }

  /**
   * Fires timers until none is pending and returns how far time moved. Throws, naming what is pending, when
   * that is not so after `limitMs`: something re-arms itself for ever.
   */
  async runUntilIdle(limitMs = 3_600_000): Promise<number> {
    const startMs = this.#monotonicMs;
    await this.#move(async () => {
      while (this.#fireNext(startMs + limitMs)) await this.#settle();
    });
    if (this.#queue.length > 0) throw new Error(`not idle after ${limitMs} virtual ms: ${this.#names()}`);
    return this.#monotonicMs - startMs;
  }

  /** Moves on just until `work` settles and hands its outcome over. Throws when that takes longer than `limitMs`. */
  async settled<T>(work: Promise<T>, limitMs = 3_600_000): Promise<T> {
    const progress = { done: false };
    const finish = (): void => {
      progress.done = true;
    };
    work.then(finish, finish);
    const endMs = this.#monotonicMs + limitMs;
    await this.#move(async () => {
      while (!progress.done && this.#fireNext(endMs)) await this.#settle();
    });
    if (!progress.done) throw new Error(`not settled after ${limitMs} virtual ms; pending: ${this.#names()}`);
    return work;
  }

  async #move(steps: () => Promise<void>): Promise<void> {
    if (this.#moving) throw new Error("virtual time is being moved already; await the first move");
    this.#moving = true;
    try {
      await this.#settle();
      await steps();
    } finally {
      this.#moving = false;
    }
  }

  /** Fires the first timer due by `limitMs`; false when there is none. */
  #fireNext(limitMs: number): boolean {
    const next = this.#queue[0];
    if (next === undefined || next.dueMs > limitMs) return false;
    this.#queue.shift();
    this.#monotonicMs = next.dueMs;
    next.fire();
    return true;
  }

  /** Behind every entry due at the same time or before: equal times fire in the order they were asked for. */
  #placeFor(dueMs: number): number {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#queue[middle]?.dueMs ?? 0) <= dueMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where an entry waits; -1 when it does not any more. */
  #placeOf({ dueMs, order }: Pending): number {
    // Equal times lie in the order they were asked for, so the last one of them is where to look back from.
    for (let at = this.#placeFor(dueMs) - 1; at >= 0; at -= 1) {
      const entry = this.#queue[at];
      if (entry === undefined || entry.dueMs !== dueMs || entry.order < order) return -1;
      if (entry.order === order) return at;
    }
    return -1;
  }

  #names(): string {
    return this.#queue.map((entry) => entry.name).join(", ") || "nothing";
  }
}

/** A macrotask: every promise reaction queued before it, and all they queue, has run when it comes. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
