import type { Clock, Timer, Timers } from "../ports/clock.ts";

/** A pending timer and its handle in one object, because a simulation creates thousands a second. */
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
  /** Monotonic time at the start. Default 1000, not 0, to expose code that confuses 0 with "never". */
  readonly monotonicMs?: number;
  /** Runs all pending promise reactions. Default: one turn of the event loop. */
  readonly settle?: () => Promise<void>;
}

const DELAY_MAX_MS = 2 ** 31 - 1;

/**
 * Time that advances only on request. Timers fire in order of due time, then of creation. All promise reactions run
 * between two timers, so the order of events does not depend on the machine.
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
    // Whole milliseconds, like a real wall clock; timers may be due in between.
    return Math.floor(this.#monotonicMs + this.#wallOffsetMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Steps only the wall clock, forwards or backwards, as an administrator or NTP does. Timers are not affected. */
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

  /** How many timers were made since the start. */
  get made(): number {
    return this.#order;
  }

  pending(): readonly { readonly name: string; readonly dueMs: number }[] {
    return this.#queue.map(({ name, dueMs }) => ({ name, dueMs }));
  }

  /** Advances by `byMs` and fires the timers that fall due. Rejects with what a timer throws. */
  advance(byMs: number): Promise<void> {
    return this.advanceTo(this.#monotonicMs + byMs);
  }

  /** Advances to a monotonic time. Rejects with a `RangeError` when it is in the past. */
  async advanceTo(targetMs: number): Promise<void> {
    if (!(targetMs >= this.#monotonicMs)) throw new RangeError(`virtual time does not go back to ${targetMs} ms`);
    await this.#move(async () => {
      while (this.#fireNext(targetMs)) await this.#settle();
      this.#monotonicMs = targetMs;
      await this.#settle();
    });
  }

  /**
   * Fires timers until none is pending and returns by how many ms time advanced. Rejects, naming the pending timers, when
   * some are left after `limitMs`.
   */
  async runUntilIdle(limitMs = 3_600_000): Promise<number> {
    const startMs = this.#monotonicMs;
    await this.#move(async () => {
      while (this.#fireNext(startMs + limitMs)) await this.#settle();
    });
    if (this.#queue.length > 0) throw new Error(`not idle after ${limitMs} virtual ms: ${this.#names()}`);
    return this.#monotonicMs - startMs;
  }

  /** Advances until `work` settles and returns its outcome. Rejects when that takes longer than `limitMs`. */
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
    if (this.#moving) throw new Error("virtual time is already advancing; await the first call");
    this.#moving = true;
    try {
      await this.#settle();
      await steps();
    } finally {
      this.#moving = false;
    }
  }

  /** Fires the first timer due by `limitMs`. Returns false when there is none. */
  #fireNext(limitMs: number): boolean {
    const next = this.#queue[0];
    if (next === undefined || next.dueMs > limitMs) return false;
    this.#queue.shift();
    this.#monotonicMs = next.dueMs;
    next.fire();
    return true;
  }

  /** Insertion index for a due time: after all entries due at the same time or earlier. */
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

  /** Index of an entry; -1 when it is no longer pending. */
  #placeOf({ dueMs, order }: Pending): number {
    // Search backwards from the last entry with the same due time.
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

/** A macrotask, which runs after all queued promise reactions and the reactions they queue. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
